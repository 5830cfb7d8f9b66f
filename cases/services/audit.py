"""The one writer of audit events, and the proof that none was changed.

An event's canonical form is RFC 8785 JSON with UTC strings in microseconds and no floats. The database
hashes it: SHA-256 over the previous hash, the sequence number (8 bytes, big-endian) and the canonical text.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils import timezone

from cases.actor import Actor
from cases.models import AuditChain, AuditEvent, Case, Note, ProcessorRequest
from cases.models.audit.actions import Action
from cases.models.audit.event import PORTAL_CHAIN
from cases.services.differences import Changes
from dsrportal.canonical import canonical_json
from dsrportal.database import bulk_insert
from dsrportal.sentence import Sentence
from integrations.models import Processor

FORMAT = 1
GENESIS = bytes(32)

Details = dict[str, str | int | bool | list[str] | Changes | None]


def record(
    action: Action,
    *,
    actor: Actor,
    case: Case | None = None,
    processor: Processor | None = None,
    reason: str = "",
    note: Note | None = None,
    details: Details | None = None,
) -> AuditEvent:
    """Add one event to the case's chain, or to the portal's where there is no case.

    Call it inside the transaction of what it records. `reason` is a code; words belong in `note`.
    """
    event = _compose(
        action, actor=actor, case=case, processor=processor, reason=reason, note=note, details=details or {}
    )
    event.save(force_insert=True)
    return event


def of_request(
    action: Action,
    request: ProcessorRequest,
    *,
    actor: Actor,
    reason: str = "",
    note: Note | None = None,
    details: Details | None = None,
) -> AuditEvent:
    """Add one event about a request to its case's chain, with what names the request and its processor.

    As `record`, inside the transaction of what it records.
    """
    processor = request.processor
    named: Details = {"request": str(request.pk), "processor": processor.name, **(details or {})}
    return record(
        action,
        actor=actor,
        case=request.case,
        processor=processor,
        reason=reason,
        note=note,
        details=named,
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """What happened to one case, before it is an event."""

    action: Action
    case: Case
    details: Details


def record_many(facts: Iterable[Fact], *, actor: Actor) -> None:
    """Add many events at once, in this order. Call it inside the transaction of what it records."""
    events = [
        _compose(
            fact.action,
            actor=actor,
            case=fact.case,
            processor=None,
            reason="",
            note=None,
            details=fact.details,
        )
        for fact in facts
    ]
    bulk_insert.insert(AuditEvent, events)


def _compose(
    action: Action,
    *,
    actor: Actor,
    case: Case | None,
    processor: Processor | None,
    reason: str,
    note: Note | None,
    details: Details,
) -> AuditEvent:
    if note is not None:
        details = {**details, "note": str(note.pk)}
    event = AuditEvent(
        chain=f"case:{case.pk}" if case else PORTAL_CHAIN,
        at=timezone.now(),
        action=action,
        case=case,
        processor=processor,
        actor_id=actor.user_id,
        actor_label=actor.label,
        source=actor.source,
        address=actor.address or None,
        reason=reason,
        details=details,
    )
    event.canonical = canonical(event)
    return event


def canonical(event: AuditEvent) -> str:
    """The canonical form of what an event's columns say. Raises for floats and other unstable values."""
    return canonical_json(
        {
            "format": FORMAT,
            "chain": event.chain,
            "at": _utc(event.at),
            "action": str(event.action),
            "case": event.case_id,
            "processor": str(event.processor_id) if event.processor_id else None,
            "actor": event.actor_id,
            "actor_label": event.actor_label,
            "source": str(event.source),
            "address": event.address,
            "reason": event.reason,
            "details": event.details,
        }
    )


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold: the sequence number and what is wrong there."""

    chain: str
    sequence: int
    problem: Sentence


def verify(chain: str) -> list[Break]:
    """Every place at which a chain does not hold; empty when nothing was changed, added or left out."""
    return list(_breaks(chain))


def _breaks(chain: str) -> Iterator[Break]:
    previous, expected = GENESIS, 1
    for event in AuditEvent.objects.filter(chain=chain).order_by("sequence").iterator(chunk_size=1000):
        if event.sequence != expected:
            yield Break(
                chain,
                expected,
                Sentence("events %(first)s to %(last)s are missing", first=expected, last=event.sequence - 1),
            )
        if bytes(event.previous_hash) != previous:
            yield Break(chain, event.sequence, Sentence("does not follow the event before it"))
        if _said_by_columns(event) != event.canonical:
            yield Break(chain, event.sequence, Sentence("columns and canonical form differ"))
        digest = chain_hash(bytes(event.previous_hash), event.sequence, event.canonical)
        if digest != bytes(event.hash):
            yield Break(chain, event.sequence, Sentence("hash does not match the content"))
        previous, expected = bytes(event.hash), event.sequence + 1
    head = AuditChain.objects.filter(name=chain).first()
    if head is None:
        if expected > 1:
            yield Break(chain, expected, Sentence("the chain has no head"))
    elif head.sequence != expected - 1 or bytes(head.head) != previous:
        yield Break(chain, expected, Sentence("events at the end are missing"))


def _said_by_columns(event: AuditEvent) -> str | None:
    """None where the columns hold what `record` never writes, such as a float: that is a break, not an error."""
    try:
        return canonical(event)
    except (TypeError, ValueError):
        return None


def chain_hash(previous: bytes, sequence: int, text: str) -> bytes:
    return hashlib.sha256(previous + sequence.to_bytes(8, "big") + text.encode()).digest()
