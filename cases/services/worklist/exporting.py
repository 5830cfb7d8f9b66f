"""Giving a list out as a file. That it was done, by whom and how narrowed, is written before the first row is given."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from django.db.models import Count, QuerySet, Window

from cases.actor import Actor
from cases.models import Action, AuditEvent
from cases.services import audit
from cases.services.person import disclosure
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

# Rows that are in memory at once, and keys that are fetched at once.
ROWS: Final = 500
KEYS: Final = 2000
# Cases that are locked at once, and whose identities are open at once.
REVEALED: Final = 100


def begin(
    rows: QuerySet[Any],
    *,
    actor: Actor,
    listed: str,
    filters: Sequence[str],
    action: Action = Action.LIST_EXPORTED,
    reveal: bool = False,
    reason: str = "",
) -> tuple[AuditEvent, Iterator[Any]]:
    """The event, and the keys of the rows in the order of the list, all of them, through a cursor of the server's.

    Their number comes with the keys, so that it is exact even while others write. What is read of each row is read
    batch by batch, so no transaction lives as long as a download. `filters` are codes, never what somebody typed.
    Raises Refused where identities shall be revealed without one of REVEAL_REASONS.
    """
    if reveal and reason not in disclosure.REVEAL_REASONS:
        raise Refused(Sentence("Choose one of the listed reasons."))
    found = rows.values_list("pk", Window(Count("pk"))).iterator(chunk_size=KEYS)
    first = next(found, None)
    event = audit.record(
        action,
        actor=actor,
        reason=reason if reveal else "",
        details={
            "listed": listed,
            "filters": list(filters),
            "count": first[1] if first else 0,
            "identities": reveal,
        },
    )
    return event, (row[0] for row in chain([first] if first else [], found))


def batches(keys: Iterator[Any], rows: QuerySet[Any], *, size: int = ROWS) -> Iterator[list[Any]]:
    """The rows of these keys, in their order, so many at a time."""
    while batch := list(islice(keys, size)):
        found = rows.in_bulk(batch)
        yield [found[key] for key in batch if key in found]
