"""Processors: their accounts, keys and pauses. Every change is an event; values of credentials never are."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop
from psycopg.errors import UniqueViolation

from cases.actor import Actor
from cases.models import Action, AttentionItem, AttentionKind
from cases.services import attention, audit, differences
from cases.services.processors import concurrency
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence, Word
from integrations.errors import Unauthorized
from integrations.models import Processor
from integrations.registry import connector_class, connector_for
from integrations.types import ConnectionCheck, Workspace

# What a pause by the portal itself is lifted by: a connection test that works.
LIFTED_BY_TEST = frozenset({"credentials"})
# What the portal itself pauses for opens one of these; resuming settles it.
SETTLED_BY_RESUMING = (AttentionKind.CREDENTIALS, AttentionKind.ACCOUNT_MISMATCH)
# Why a person pauses a processor.
PAUSE_REASONS = {
    "maintenance": Sentence("Maintenance on their side or ours"),
    "investigation": Sentence("Something looks wrong and is being investigated"),
    "by_hand": Sentence("Another reason"),
}
# Why a processor is paused, whoever paused it.
PAUSED_BECAUSE = {
    "credentials": Sentence("The credentials were refused"),
    "account_mismatch": Sentence("Response from another workspace"),
    **PAUSE_REASONS,
}
# An answer that carried our account proves nothing about these once they are others, nor about the credentials that are
# sent to the same address.
_PROOF_RESTS_ON = frozenset({"account", "base_url", "credentials"})
# Columns whose values an event tells.
_TOLD: Final = frozenset(
    {
        "kind",
        "name",
        "account",
        "environment",
        "base_url",
        "processor_domain",
        "certificate_hosts",
        "limits",
        "budget_share",
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a processor decides where its credentials are sent, as somebody saw it before changing it."""

    base_url: str
    options: Mapping[str, str]
    credentials: Mapping[str, str] = field(repr=False)


def seen(processor: Processor) -> Seen:
    return Seen(processor.base_url, dict(processor.options), dict(processor.credentials))


def moved(kind: str, *, before: Seen, base_url: str, options: Mapping[str, str]) -> dict[str, str]:
    """The stored credentials that would be sent to another server than `before`, each with the address that says so.

    Whoever may change an address could otherwise have credentials, which are shown to nobody, sent to a server of their
    own. An empty address is the vendor's own, wherever that is.
    """
    found = connector_class(kind)
    own = {"base_url": found.default_base_url}
    old, new = {"base_url": before.base_url, **before.options}, {"base_url": base_url, **options}
    defaults = {option.name: option.default for option in found.options}
    return {
        secret.name: name
        for secret in found.secrets
        if before.credentials.get(secret.name)
        for name in reversed(secret.sent_to or ("base_url",))
        if _server(old.get(name) or own.get(name) or defaults.get(name, ""))
        != _server(new.get(name) or own.get(name) or defaults.get(name, ""))
    }


def _server(address: str) -> tuple[str, int] | None:
    """Host and port; None for the vendor's own."""
    if not address:
        return None
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or 443


def save(processor: Processor, *, actor: Actor, changed: Collection[str], before: Seen | None = None) -> None:
    """Store a new or changed processor. `changed` names fields, and credentials and options by their own names.

    Only these columns are written, so that a pause of this very moment stays. What they were and are is recorded, but
    for credentials and for what is written freely.
    Raises Refused where another processor has the name or the account, and Superseded where addresses or credentials
    are no longer as they were seen `before`.
    """
    created = processor._state.adding
    if not created and not changed:
        return
    try:
        with transaction.atomic():
            stored = None if created else _locked(processor)
            if before is not None and stored is not None and seen(stored) != before:
                raise Superseded(
                    Sentence(
                        "%(processor)s was just changed by someone else. Review it, then make your "
                        "change again.",
                        processor=processor.name,
                    )
                )
            changes = _changes(stored, processor, changed)
            processor.save(update_fields=None if created else _columns(processor, changed))
            audit.record(
                Action.PROCESSOR_CREATED if created else Action.PROCESSOR_CHANGED,
                actor=actor,
                processor=processor,
                details={"processor": processor.name, "fields": sorted(changed), "changes": changes},
            )
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise Refused(Sentence("Another processor already has this name or this account.")) from error


def _columns(processor: Processor, changed: Collection[str]) -> set[str]:
    """Where what changed is stored. The account's proof falls with what it rests on."""
    kind = connector_class(processor.kind)
    held = {secret.name for secret in kind.secrets}
    chosen = {option.name for option in kind.options}
    columns = {"credentials" if name in held else "options" if name in chosen else name for name in changed}
    proving = {secret.name for secret in kind.secrets if not secret.sent_to}
    if not (_PROOF_RESTS_ON | proving).isdisjoint(changed):
        processor.account_proven_at = None
        columns.add("account_proven_at")
    return columns


def _locked(processor: Processor) -> Processor:
    """As it is stored. Of two at once, one would else send to a new address what the other typed for the old one."""
    rows = Processor.objects.select_related("data_key").select_for_update(of=("self",), no_key=True)
    return rows.get(pk=processor.pk)


def _changes(before: Processor | None, after: Processor, changed: Collection[str]) -> differences.Changes:
    """What is chosen from a list, an address or a number is told; a credential, and what somebody wrote, is not."""
    kind = connector_class(after.kind)
    told = {*_TOLD, *(option.name for option in kind.options if option.choices or option.is_address)}
    defaults = {option.name: option.default for option in kind.options}
    held = {secret.name for secret in kind.secrets}

    def value(row: Processor | None, name: str) -> Any:
        if row is None:
            return None
        if name in held:
            return row.credentials.get(name)
        return row.options.get(name, defaults[name]) if name in defaults else getattr(row, name)

    old, new = ({name: value(row, name) for name in changed} for row in (before, after))
    # An address can hold a password before its host.
    told -= {name for name in changed if "@" in f"{old[name]}{new[name]}"}
    return differences.between(old, new, untold=set(changed) - told)


def workspaces(processor: Processor) -> list[Workspace]:
    """The accounts that its credentials give access to, by name. Raises IntegrationError."""
    found = connector_for(processor).list_workspaces()
    return sorted(found, key=lambda workspace: (workspace.name.casefold(), workspace.id))


def missing_to_connect(processor: Processor) -> list[Sentence]:
    """The labels of what has to be stored before its workspaces can be listed."""
    kind = connector_class(processor.kind)
    return [
        *(
            s.label
            for s in kind.secrets
            if s.name in kind.connects_with and not processor.credentials.get(s.name)
        ),
        *(o.label for o in kind.options if o.name in kind.connects_with and not processor.option(o.name)),
    ]


def pause(processor: Processor, *, actor: Actor, reason: str) -> bool:
    """Stop all sending to a processor; callbacks still work. Says whether it was running."""
    with transaction.atomic():
        paused = Processor.objects.filter(pk=processor.pk, paused_at=None).update(
            paused_at=timezone.now(), paused_reason=reason
        )
        if paused:
            audit.record(
                Action.PROCESSOR_PAUSED,
                actor=actor,
                processor=processor,
                reason=reason,
                details={"processor": processor.name},
            )
    return bool(paused)


def pause_for_credentials(processor: Processor, error: Unauthorized, *, actor: Actor) -> None:
    """Wrong credentials: one pause, one attention item that names the field, however many lanes notice."""
    with transaction.atomic():
        if pause(processor, actor=actor, reason="credentials"):
            key = Word(str(error.key_field).replace("_", " ").capitalize())
            attention.open_item(
                AttentionKind.CREDENTIALS,
                Sentence(
                    "%(processor)s refused the credentials. Check the %(key)s, then test the connection.",
                    processor=processor.name,
                    key=key,
                ),
                actor=actor,
                processor=processor,
            )


def pause_for_account(processor: Processor, *, actor: Actor) -> None:
    """Another workspace answered than the one that this processor names."""
    with transaction.atomic():
        if pause(processor, actor=actor, reason="account_mismatch"):
            attention.open_item(
                AttentionKind.ACCOUNT_MISMATCH,
                Sentence(
                    "The key of %(processor)s belongs to another workspace than “%(account)s”. Correct "
                    "the account or the key, then resume.",
                    processor=processor.name,
                    account=processor.account,
                ),
                actor=actor,
                processor=processor,
            )


def resume(processor: Processor, *, actor: Actor) -> None:
    """Send again. Raises Superseded where it was not paused."""
    with transaction.atomic():
        resumed = Processor.objects.filter(pk=processor.pk, paused_at__isnull=False).update(
            paused_at=None, paused_reason=""
        )
        if not resumed:
            raise Superseded(Sentence("%(processor)s is not paused.", processor=processor.name))
        attention.resolve_all(*SETTLED_BY_RESUMING, actor=actor, resolution="resumed", processor=processor)
        audit.record(
            Action.PROCESSOR_RESUMED, actor=actor, processor=processor, details={"processor": processor.name}
        )
        concurrency.wake(processor.pk)


def test_connection(processor: Processor, *, actor: Actor) -> list[ConnectionCheck]:
    """Try each credential; a pause for refused credentials is lifted when all that are stored work."""
    checks = [_told(processor, check) for check in connector_for(processor).test_connection()]
    works = all(check.works or not check.is_set for check in checks)
    with transaction.atomic():
        audit.record(
            Action.PROCESSOR_TESTED,
            actor=actor,
            processor=processor,
            details={
                "processor": processor.name,
                "result": gettext_noop("works") if works else gettext_noop("does not work"),
            },
        )
        processor.refresh_from_db(fields=["paused_at", "paused_reason"])
        if works and processor.paused_reason in LIFTED_BY_TEST:
            with suppress(Superseded):  # someone resumed it in this moment
                resume(processor, actor=actor)
    return checks


def _told(processor: Processor, check: ConnectionCheck) -> ConnectionCheck:
    """The check with the credential it is about, by its name if it names none; of one not stored, nothing was tried."""
    secrets = connector_class(processor.kind).secrets
    name = check.name.english.casefold()
    named = [secret.name for secret in secrets if name.startswith(secret.label.english.casefold())]
    key_field = check.key_field or (named[0] if named else "")
    is_a_secret = any(secret.name == key_field for secret in secrets)
    stored = not is_a_secret or bool(processor.credentials.get(key_field))
    return replace(check, key_field=key_field, is_set=check.is_set and (check.works or stored))


def resolve_item(item: AttentionItem, *, actor: Actor) -> None:
    """Settle an item by hand. One that a pause opened is settled by resuming, not by waving it away.

    Raises Refused while the processor is paused.
    """
    if item.kind in SETTLED_BY_RESUMING and item.processor and _is_paused(item.processor):
        raise Refused(
            Sentence(
                "This processor is paused. Test its connection or resume it. The item is then resolved "
                "automatically."
            )
        )
    attention.resolve(item, actor=actor, resolution="decided")


def _is_paused(processor: Processor) -> bool:
    """Now, not when the row was read."""
    return Processor.objects.filter(pk=processor.pk, paused_at__isnull=False).exists()
