"""Audit events as CSV, row by row as the database gives them."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final

from cases.admin.audit_words import who
from cases.models import AuditEvent
from dsrportal import spreadsheet

COLUMNS: Final = (
    "when",
    "who",
    "source",
    "address",
    "what",
    "action",
    "reason",
    "case",
    "processor",
    "chain",
    "sequence",
    "hash",
)
# What the columns are made of; an event's canonical form and a case's other fields stay where they are.
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


def as_csv(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    return spreadsheet.as_csv(COLUMNS, map(_cells, events))


def _cells(event: AuditEvent) -> tuple[str, ...]:
    return (
        event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        who(event),
        event.source,
        event.address or "",
        event.sentence,
        event.action,
        event.reason,
        event.case.reference if event.case else "",
        event.processor.name if event.processor else "",
        event.chain,
        str(event.sequence),
        bytes(event.hash).hex(),
    )
