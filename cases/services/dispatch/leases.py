"""Claiming what is due: a lease that keeps other lanes off a request while one works on it.

A claim writes lease, token and attempt, without an event and without a case's lock. An attempt without a recorded
answer means that nobody knows whether it arrived.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import uuid4

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.dispatch import report_groups
from cases.services.processors import concurrency
from cases.services.refusal import Superseded
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import RequestType

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

BATCH = 10
LEASE_SECONDS = 40
# The longest that one call usually takes, waiting for the budget included; a lease is renewed to outlast it.
CALL_SECONDS = 30
# A batch is no larger than what its lane may send in this time, so that what waits longest is not held by a lease.
BATCH_SECONDS = 10


def due(*, now: datetime) -> QuerySet[ProcessorRequest]:
    """What waits to be sent, or to be cancelled, and that nobody is working on; by legal due date.

    Without what was approved in bulk and still cools off: `cool_off.end_due` lets that go."""
    return ProcessorRequest.objects.filter(
        Q(status=RequestStatus.QUEUED) | Q(status=RequestStatus.PENDING, cancel_requested_at__isnull=False),
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
        Q(lease_until__isnull=True) | Q(lease_until__lt=now),
        held=False,
        not_before_at=None,
    ).order_by("due_at", "pk")


def claim(processor: Processor, *, new_requests: bool = True) -> list[ProcessorRequest]:
    """Take up to a batch of due requests under a fresh lease, in order of legal due date, each with its group slot.

    Without `new_requests` only what may be done while the budget has no room for one: cancels, asking about an attempt
    whose outcome is unknown, and types that do not count as new.
    """
    now, token = timezone.now(), uuid4()
    wanted = due(now=now).filter(processor=processor)
    if not new_requests:
        connector = connector_for(processor)
        free = [kind for kind in RequestType.values if not connector.counts_as_new(kind)]
        wanted = wanted.filter(
            Q(status=RequestStatus.PENDING) | Q(attempts__gt=F("answered_attempts")) | Q(case__type__in=free)
        )
    with transaction.atomic():
        found = list(
            wanted.select_for_update(skip_locked=True, of=("self",)).values_list(
                "pk", "group", "case__group_name"
            )[: batch_size(processor)]
        )
        if not found:
            return []
        keys = [key for key, _group, _name in found]
        report_groups.take_slots(processor, [(key, name) for key, group, name in found if group is None])
        ProcessorRequest.objects.filter(pk__in=keys).update(
            lease_until=now + timedelta(seconds=LEASE_SECONDS), lease_token=token, attempts=F("attempts") + 1
        )
    claimed = (
        ProcessorRequest.objects.filter(pk__in=keys, lease_token=token)
        .select_related("case__subject__data_key", "group")
        .prefetch_related("identities")
        .order_by("due_at", "pk")
    )
    requests = list(claimed)
    for request in requests:
        request.processor = processor
    return requests


def batch_size(processor: Processor) -> int:
    """How many requests a lane takes at once: fewer where the budget is small."""
    calls = connector_for(processor).budget().calls
    a_second = calls.count * processor.budget_share / 100 / calls.seconds
    return max(1, min(BATCH, int(a_second * BATCH_SECONDS / (concurrency.LANES * concurrency.THREADS))))


def lease_end(request: ProcessorRequest) -> datetime:
    """The end of a claimed request's lease. Raises ValueError for one that is not claimed."""
    if request.lease_until is None:
        raise ValueError("Only a claimed request has a lease.")
    return request.lease_until


def renew(request: ProcessorRequest) -> None:
    """Have the lease outlast one more call. Raises Superseded where it has passed to another lane."""
    now = timezone.now()
    if lease_end(request) - now > timedelta(seconds=CALL_SECONDS):
        return
    until = now + timedelta(seconds=LEASE_SECONDS)
    mine = ProcessorRequest.objects.filter(pk=request.pk, lease_token=request.lease_token)
    if not mine.update(lease_until=until):
        raise Superseded
    request.lease_until = until


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed request in this lane's hands. Its processor is called through it, so that no call outlasts it."""

    request: ProcessorRequest

    def call(self, function: Callable[[Argument], Answer], argument: Argument) -> Answer:
        """Renew the lease, then call. Raises Superseded where it has passed to another lane, and what the call does."""
        renew(self.request)
        return function(argument)


def give_back(requests: Iterable[ProcessorRequest]) -> None:
    """Undo claims under which nothing was attempted.

    Word from outside may have come of a claimed request; it has answered all attempts, this one included.
    """
    for request in requests:
        ProcessorRequest.objects.filter(pk=request.pk, lease_token=request.lease_token).update(
            lease_until=None, lease_token=None, attempts=Greatest(F("attempts") - 1, F("answered_attempts"))
        )
