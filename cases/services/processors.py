"""Processors: their accounts, keys and pauses. Every change is an event; values of credentials never are."""

from collections.abc import Collection
from contextlib import suppress

from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from cases.actor import Actor
from cases.models import Action, AttentionItem, AttentionKind
from cases.services import attention, audit, lanes
from cases.services.refusal import Refused, Superseded
from integrations.errors import Unauthorized
from integrations.models import Processor
from integrations.registry import connector_class, connector_for
from integrations.types import ConnectionCheck

# What a pause by the portal itself is lifted by: a connection test that works.
LIFTED_BY_TEST = frozenset({"credentials"})
# What the portal itself pauses for opens one of these; resuming settles it.
SETTLED_BY_RESUMING = (AttentionKind.CREDENTIALS, AttentionKind.ACCOUNT_MISMATCH)
# Why a person pauses a processor.
PAUSE_REASONS = {
    "maintenance": "Maintenance on their side or ours",
    "investigation": "Something looks wrong and is being looked into",
    "by_hand": "Another reason",
}
# Why a processor is paused, whoever paused it.
PAUSED_BECAUSE = {
    "credentials": "The credentials were refused",
    "account_mismatch": "Another workspace answered",
    **PAUSE_REASONS,
}
# An answer that carried our account proves nothing about these once they are others.
_PROOF_RESTS_ON = frozenset({"account", "base_url", "credentials"})


def save(processor: Processor, *, actor: Actor, changed: Collection[str]) -> None:
    """Store a new or changed processor. `changed` names fields, and credentials by their own names.

    Only these columns are written, so that a pause of this very moment stays; their values are not recorded.
    Raises Refused where another processor has the name or the account.
    """
    created = processor._state.adding
    if not created and not changed:
        return
    held = {secret.name for secret in connector_class(processor.kind).secrets}
    chosen = {option.name for option in connector_class(processor.kind).options}
    columns = {"credentials" if name in held else "options" if name in chosen else name for name in changed}
    if columns & _PROOF_RESTS_ON:
        processor.account_proven_at = None
        columns.add("account_proven_at")
    try:
        with transaction.atomic():
            processor.save(update_fields=None if created else columns)
            audit.record(
                Action.PROCESSOR_CREATED if created else Action.PROCESSOR_CHANGED,
                actor=actor,
                processor=processor,
                details={"processor": processor.name, "fields": sorted(changed)},
            )
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise Refused("Another processor has this name or this account already.") from error


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
            key = str(error.key_field).replace("_", " ")
            attention.open_item(
                AttentionKind.CREDENTIALS,
                f"{processor.name} refused the credentials: check the {key}, then test the connection.",
                actor=actor,
                processor=processor,
            )


def pause_for_account(processor: Processor, *, actor: Actor) -> None:
    """Another workspace answered than the one that this processor names."""
    with transaction.atomic():
        if pause(processor, actor=actor, reason="account_mismatch"):
            attention.open_item(
                AttentionKind.ACCOUNT_MISMATCH,
                f"The key of {processor.name} belongs to another workspace than “{processor.account}”: "
                "correct the account or the key, then resume.",
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
            raise Superseded(f"{processor.name} is not paused.")
        attention.resolve_all(*SETTLED_BY_RESUMING, actor=actor, resolution="resumed", processor=processor)
        audit.record(
            Action.PROCESSOR_RESUMED, actor=actor, processor=processor, details={"processor": processor.name}
        )
        lanes.wake(processor.pk)


def test_connection(processor: Processor, *, actor: Actor) -> list[ConnectionCheck]:
    """Try each credential; a pause for refused credentials is lifted when all work."""
    checks = connector_for(processor).test_connection()
    works = all(check.works for check in checks)
    with transaction.atomic():
        audit.record(
            Action.PROCESSOR_TESTED,
            actor=actor,
            processor=processor,
            details={"processor": processor.name, "result": "works" if works else "does not work"},
        )
        processor.refresh_from_db(fields=["paused_at", "paused_reason"])
        if works and processor.paused_reason in LIFTED_BY_TEST:
            with suppress(Superseded):  # someone resumed it in this moment
                resume(processor, actor=actor)
    return checks


def resolve_item(item: AttentionItem, *, actor: Actor) -> None:
    """Settle an item by hand. One that a pause opened is settled by resuming, not by waving it away."""
    if item.kind in SETTLED_BY_RESUMING and item.processor and _is_paused(item.processor):
        raise Refused(
            "This processor is paused: test its connection or resume it, and the item settles itself."
        )
    attention.resolve(item, actor=actor, resolution="decided")


def _is_paused(processor: Processor) -> bool:
    """Now, not when the row was read."""
    return Processor.objects.filter(pk=processor.pk, paused_at__isnull=False).exists()
