"""Estimates when a processor's queue will have been sent, from its order and its budget."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.dispatch import budget as send_budget
from integrations import budget
from integrations.errors import BudgetForgotten, NotSent
from integrations.models import Processor

# The budget is asked about so many points of one queue at most, and about all of them once in so long.
POINTS: Final = 60
KEPT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SendTimes:
    """`steps`: a due date, and in how many seconds all that is due by then will have left.

    Not `known` where the queue store did not answer: the queue is then left out. Pauses are left out too: it is as if
    the processor were resumed now.
    """

    computed_at: datetime
    steps: tuple[tuple[datetime, float], ...] = ()
    known: bool = True

    def seconds(self, due_at: datetime) -> float:
        """How long until a queued request that is due then has left."""
        found = [seconds for until, seconds in self.steps if due_at <= until]
        return found[0] if found else self._all_seconds

    def too_late(self, longest: timedelta, *, now: datetime) -> list[tuple[datetime | None, datetime]]:
        """Spans (after, until] of due dates that a request queued here will miss, if it then takes the longest."""
        found: list[tuple[datetime | None, datetime]] = []
        after: datetime | None = None
        for until, seconds in (*self.steps, (None, self._all_seconds)):
            end = now + timedelta(seconds=seconds) + longest
            end = end if until is None else min(end, until)
            if after is None or end > after:
                joins = bool(found) and found[-1][1] == after
                begin = found.pop()[0] if joins else after
                found.append((begin, end))
            after = until
        return found

    @property
    def _all_seconds(self) -> float:
        return self.steps[-1][1] if self.steps else 0.0


# By processor; each process computes for itself, so that a store that is down is not asked for what it holds.
_kept: dict[UUID, SendTimes] = {}


def estimate(processor: Processor, *, now: datetime) -> SendTimes:
    """As computed within the last minute, by `now`."""
    kept = _kept.get(processor.pk)
    if kept is None or not timedelta(0) <= now - kept.computed_at < KEPT:
        kept = _kept[processor.pk] = _compute(processor, now=now)
    return kept


def seconds_for(processor: Processor, new_requests: int) -> float:
    """How long until so many new requests have left. Raises NotSent where the store does not answer."""
    try:
        return budget.seconds_for(processor, new_requests)
    except BudgetForgotten:
        budget.rebuild(processor, send_budget.sent_lately(processor))
        return budget.seconds_for(processor, new_requests)


def queued(processor: Processor, *, due_by: datetime | None = None) -> int:
    """How many requests wait to leave; of those alone that go before one that is due then, where it is given."""
    before = {"due_at__lte": due_by} if due_by else {}
    return sum(each.filter(**before).count() for each in _waiting(processor))


def _waiting(processor: Processor) -> tuple[QuerySet[ProcessorRequest], QuerySet[ProcessorRequest]]:
    """What may leave, and what cools off first: each has its index, and both together none."""
    queued = ProcessorRequest.objects.filter(processor=processor, status=RequestStatus.QUEUED).order_by()
    return queued.filter(not_before_at=None), queued.filter(not_before_at__isnull=False)


def _compute(processor: Processor, *, now: datetime) -> SendTimes:
    counts: Counter[datetime] = Counter()
    for waiting in _waiting(processor):
        counts.update(dict(waiting.values_list("due_at").annotate(Count("pk"))))
    dates = sorted(counts.items())
    every = -(-len(dates) // POINTS) or 1
    steps = []
    ahead = 0
    try:
        for number, (due_at, count) in enumerate(dates, start=1):
            ahead += count
            if number % every == 0 or number == len(dates):
                steps.append((due_at, seconds_for(processor, ahead)))
    except NotSent:
        return SendTimes(now, known=False)
    return SendTimes(now, tuple(steps))
