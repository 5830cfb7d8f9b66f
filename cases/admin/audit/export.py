"""Columns of an exported audit event; an event's canonical form stays where it is."""

from datetime import UTC
from typing import Final

from cases.admin.audit.words import who
from cases.admin.export import Column, name
from cases.models import AuditEvent


def _reference(event: AuditEvent) -> str:
    return event.case.reference if event.case else ""


# To the microsecond, as in the canonical form.
COLUMNS: Final = (
    Column("when", lambda event: event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
    Column("who", who),
    Column("source", lambda event: event.source),
    Column("address", lambda event: event.address or ""),
    Column("what", lambda event: event.sentence),
    Column("action", lambda event: event.action),
    Column("reason", lambda event: event.reason),
    Column("case", _reference),
    Column("processor", lambda event: name(event.processor)),
    Column("chain", lambda event: event.chain),
    Column("sequence", lambda event: str(event.sequence)),
    Column("hash", lambda event: bytes(event.hash).hex()),
)
# What the columns are made of.
FIELDS: Final = (
    "at",
    "actor_label",
    "source",
    "address",
    "action",
    "details",
    "reason",
    "case__reference",
    "processor__name",
    "chain",
    "sequence",
    "hash",
)
