"""Waiting times at each processor: due requests that nobody works on, and callbacks that are late."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, DateTimeField, Exists, Max, Min, OuterRef, Subquery
from django.db.models.functions import Greatest

from cases.lifecycle import RequestStatus
from cases.models import CallbackDelivery, ProcessorRequest
from cases.services.dispatch import leases
from integrations.connector import Capability
from integrations.models import Processor
from integrations.registry import connector_class

# A callback may overtake the answer to the very call that made its request.
OVERTAKING: Final = timedelta(minutes=1)
_SENT: Final = (RequestStatus.PENDING, RequestStatus.IN_PROGRESS)
# Since when a due request waits; the greatest of what is set.
_WAITS_SINCE: Final = Greatest("queued_at", "next_attempt_at", "cancel_requested_at")


@dataclass(frozen=True, slots=True)
class Line:
    """One processor: what waits for it, and when it was last heard of."""

    processor_id: UUID
    name: str
    sending: bool
    queued: int
    oldest_queued_seconds: int | None
    last_callback_at: datetime | None
    last_word_at: datetime | None
    callbacks_silent: bool


def oldest_queued_seconds(*, now: datetime) -> int:
    """Of the requests that are due at processors that are sending and that nobody works on; 0 where there is none."""
    due = leases.due(now=now).filter(processor__in=Processor.objects.sending()).order_by()
    oldest: datetime | None = due.aggregate(oldest=Min(_WAITS_SINCE))["oldest"]
    return _seconds(now, oldest) or 0


def silent_processors(*, now: datetime, after: timedelta) -> set[UUID]:
    """Those whose callbacks should have come.

    A request in flight was sent so long ago, and no callback that could be verified came since from its processor.
    """
    sent = (
        ProcessorRequest.objects.filter(processor=OuterRef("pk"), status__in=_SENT, sent_at__lt=now - after)
        .order_by()
        .values("processor")
        .annotate(at=Max("sent_at"))
        .values("at")
    )
    heard = CallbackDelivery.objects.filter(
        processor=OuterRef("pk"), received_at__gte=OuterRef("asked_at") - OVERTAKING
    )
    waiting = (
        Processor.objects.annotate(asked_at=Subquery(sent, output_field=DateTimeField()))
        .filter(asked_at__isnull=False)
        .exclude(Exists(heard))
    )
    return {pk for pk, kind in waiting.values_list("pk", "kind") if _calls_back(kind)}


def lines(*, now: datetime, after: timedelta) -> list[Line]:
    """Every processor by name."""
    due = leases.due(now=now).order_by().values("processor")
    oldest = dict(due.annotate(since=Min(_WAITS_SINCE)).values_list("processor", "since"))
    of_requests = ProcessorRequest.objects.order_by().values("processor")
    queued = dict(
        of_requests.filter(status=RequestStatus.QUEUED)
        .annotate(count=Count("pk"))
        .values_list("processor", "count")
    )
    words = dict(of_requests.annotate(at=Max("reported_at")).values_list("processor", "at"))
    of_deliveries = CallbackDelivery.objects.order_by().values("processor")
    callbacks = dict(of_deliveries.annotate(at=Max("received_at")).values_list("processor", "at"))
    silent = silent_processors(now=now, after=after)
    sending = set(Processor.objects.sending().values_list("pk", flat=True))
    return [
        Line(
            processor_id=pk,
            name=name,
            sending=pk in sending,
            queued=queued.get(pk, 0),
            oldest_queued_seconds=_seconds(now, oldest.get(pk)),
            last_callback_at=callbacks.get(pk),
            last_word_at=words.get(pk),
            callbacks_silent=pk in silent,
        )
        for pk, name in Processor.objects.order_by("name").values_list("pk", "name")
    ]


def _calls_back(kind: str) -> bool:
    return Capability.CALLBACKS in connector_class(kind).capabilities


def _seconds(now: datetime, since: datetime | None) -> int | None:
    return None if since is None else max(0, int((now - since).total_seconds()))
