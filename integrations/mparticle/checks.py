"""Trying the credentials that the other APIs take: each on its own."""

from collections.abc import Sequence

from dsrportal.wording import Wording
from integrations.errors import Rejected
from integrations.mparticle import fields
from integrations.mparticle.events import Events
from integrations.mparticle.idsync import IdSync
from integrations.mparticle.platform import Platform
from integrations.opendsr.checks import checked, not_set
from integrations.types import ConnectionCheck

_SEARCHES, _EVENTS, _PLATFORM = (
    Wording("Input key for searches"),
    Wording("Input key for events"),
    Wording("Workspace list"),
)


def of_input(
    idsync: IdSync | None, events: Events | None, *, missing: Sequence[str]
) -> list[ConnectionCheck]:
    """`missing` are the names of what is not stored; the clients are None where there are any."""
    if idsync is None or events is None:
        return [
            _missing(
                Wording("Input key"), missing, Wording("opt-outs, corrections and searches are not possible")
            )
        ]
    return [
        checked(_SEARCHES, lambda: _searches(idsync), key_field="input_key"),
        checked(_EVENTS, lambda: _sends(events), key_field="input_key"),
    ]


def of_platform(platform: Platform | None, *, missing: Sequence[str], workspace: str) -> ConnectionCheck:
    if platform is None:
        return _missing(_PLATFORM, missing, Wording("workspaces cannot be chosen from a list"))
    return checked(_PLATFORM, lambda: _lists(platform, workspace), key_field="oauth_account")


def _missing(name: str, missing: Sequence[str], consequence: str) -> ConnectionCheck:
    sentence = Wording(
        "Not set (%(fields)s): %(consequence)s.", fields=fields.labels_text(missing), consequence=consequence
    )
    return not_set(name, sentence, key_field=missing[0])


def _searches(idsync: IdSync) -> str:
    idsync.probe()
    return Wording("mParticle accepts the input key and secret for searching profiles.")


def _sends(events: Events) -> str:
    """How it answers a batch about nobody is not documented: refused credentials are told apart, and nothing else."""
    events.probe()
    return Wording(
        "mParticle took the input key and secret for events, as far as a batch about nobody "
        "shows; the first opt-out proves it."
    )


def _lists(platform: Platform, workspace: str) -> str:
    name = platform.account_name()
    found = {each.id: each.name for each in platform.workspaces()}
    if workspace not in found:
        raise Rejected(
            Wording(
                "The OAuth client works, but account %(account)s lists no workspace %(workspace)s: check "
                "the workspace ID and the account ID.",
                account=platform.account,
                workspace=workspace,
            )
        )
    return Wording(
        "The account “%(account)s” lists the workspace “%(workspace)s”.",
        account=name or platform.account,
        workspace=found[workspace] or workspace,
    )
