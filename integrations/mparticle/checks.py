"""Trying the credentials that the other APIs take: each on its own."""

from collections.abc import Sequence

from dsrportal.sentence import Sentence
from integrations.errors import Rejected
from integrations.mparticle import fields
from integrations.mparticle.events import Events
from integrations.mparticle.idsync import IdSync
from integrations.mparticle.platform import Platform
from integrations.opendsr.checks import checked, not_set
from integrations.types import ConnectionCheck

_SEARCHES, _EVENTS, _PLATFORM = (
    Sentence("Input key for searches"),
    Sentence("Input key for events"),
    Sentence("Workspace list"),
)


def of_input(
    idsync: IdSync | None, events: Events | None, *, missing: Sequence[str]
) -> list[ConnectionCheck]:
    """`missing` are the names of what is not stored; the clients are None where there are any."""
    if idsync is None or events is None:
        return [
            _missing(
                Sentence("Input key"),
                missing,
                Sentence("opt-outs, corrections and searches are not possible"),
            )
        ]
    return [
        checked(_SEARCHES, lambda: _searches(idsync), key_field="input_key"),
        checked(_EVENTS, lambda: _sends(events), key_field="input_key"),
    ]


def of_platform(platform: Platform | None, *, missing: Sequence[str], workspace: str) -> ConnectionCheck:
    if platform is None:
        return _missing(_PLATFORM, missing, Sentence("workspaces cannot be chosen from a list"))
    return checked(_PLATFORM, lambda: _lists(platform, workspace), key_field="oauth_account")


def _missing(name: Sentence, missing: Sequence[str], consequence: Sentence) -> ConnectionCheck:
    sentence = Sentence(
        "Not set (%(fields)s): %(consequence)s.", fields=fields.labels_text(missing), consequence=consequence
    )
    return not_set(name, sentence, key_field=missing[0])


def _searches(idsync: IdSync) -> Sentence:
    idsync.probe()
    return Sentence("mParticle accepts the input key and secret for searching profiles.")


def _sends(events: Events) -> Sentence:
    """How it answers a batch about nobody is not documented: refused credentials are told apart, and nothing else."""
    events.probe()
    return Sentence(
        "mParticle accepted the input key and secret for events, as far as a test batch without a "
        "person can show. The first opt-out confirms it."
    )


def _lists(platform: Platform, workspace: str) -> Sentence:
    name = platform.account_name()
    found = {each.id: each.name for each in platform.workspaces()}
    if workspace not in found:
        raise Rejected(
            Sentence(
                "The OAuth client works, but account %(account)s does not list workspace %(workspace)s. "
                "Check the workspace ID and the account ID.",
                account=platform.account,
                workspace=workspace,
            )
        )
    return Sentence(
        "The account “%(account)s” lists the workspace “%(workspace)s”.",
        account=name or platform.account,
        workspace=found[workspace] or workspace,
    )
