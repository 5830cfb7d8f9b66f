"""Proving all of a list of events at once."""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import QuerySet

from cases.models import AuditChain
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
