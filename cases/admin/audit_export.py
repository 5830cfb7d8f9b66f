"""Audit events as CSV, row by row as the database gives them."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Final

from cases.admin.audit_words import who
from cases.models import AuditEvent

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
# A cell that begins so is run as a formula by spreadsheets (OWASP, CSV Injection).
_RUN: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHUNK: Final = 32 * 1024


def as_csv(events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """The file in chunks. It begins with a byte order mark: without one, Excel does not take it for UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(COLUMNS)
    for event in events:
        writer.writerow([harmless(cell) for cell in _cells(event)])
        if buffer.tell() > _CHUNK:
            yield _emptied(buffer)
    yield _emptied(buffer)


def harmless(cell: str) -> str:
    """Shown as text by a spreadsheet, whatever it begins with."""
    return f"'{cell}" if cell.startswith(_RUN) else cell


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


def _emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
