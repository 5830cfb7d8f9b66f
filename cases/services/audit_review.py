"""Reading the trail in bulk: who takes a copy of it leaves a trace as well. And proving all of a list at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from django.db.models import Count, QuerySet, Window

from cases.actor import Actor
from cases.models import Action, AuditChain, AuditEvent
from cases.services import audit
from cases.services.audit import Break

# How many events are read to prove a list, some seconds' worth; and of how many of the list the chains are looked for.
MOST_READ: Final = 50_000
MOST_LISTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven of a list of events, and what was not."""

    chains: int = 0
    events: int = 0
    breaks: list[Break] = field(default_factory=list)
    # Chains that were too long to be read as well.
    unread: list[str] = field(default_factory=list)
    # There are more events in the list than were looked at for their chains.
    beyond: bool = False


def verify(events: QuerySet[Any]) -> Proof:
    """Walk the chains of the newest events of a list, each whole and once, as far as that takes no minutes."""
    listed = list(events.values_list("chain", flat=True)[: MOST_LISTED + 1])
    names = list(dict.fromkeys(listed[:MOST_LISTED]))
    lengths = dict(AuditChain.objects.filter(name__in=names).values_list("name", "sequence"))
    read, proven, unread, breaks = 0, 0, [], []
    for name in sorted(names, key=lambda name: lengths.get(name, 0)):
        length = lengths.get(name, 0)
        if read + length > MOST_READ:
            unread.append(name)
            continue
        breaks += audit.verify(name)
        read, proven = read + length, proven + 1
    return Proof(proven, read, breaks, unread, len(listed) > MOST_LISTED)


def export(events: QuerySet[Any], *, actor: Actor) -> Iterator[AuditEvent]:
    """The events, read through a cursor of the server's. That they were exported is written before the first is given.

    The number comes with the rows themselves, so that it is exact even while others write.
    """
    found: Iterator[Any] = events.annotate(exported=Window(Count("pk"))).iterator(chunk_size=1000)
    first = next(found, None)
    count = first.exported if first else 0
    audit.record(Action.AUDIT_EXPORTED, actor=actor, details={"count": count})
    return chain([first], found) if first else iter(())
