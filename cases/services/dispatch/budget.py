"""The budget of new requests: counted in the queue store, and rebuilt from the rows of the database."""

from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import TruncMinute
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from integrations import budget
from integrations.errors import BudgetForgotten
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import RequestType


def wait_seconds(processor: Processor) -> float:
    """How long until the budget has room for a new request. Raises NotSent where the store does not answer."""
    try:
        return budget.state(processor).new_request_wait_seconds
    except BudgetForgotten:
        budget.rebuild(processor, sent_lately(processor))
        return budget.state(processor).new_request_wait_seconds


def sent_lately(processor: Processor) -> list[tuple[datetime, int]]:
    """When how many new requests left within the longest window, rounded against us.

    A request counts from the first word of the processor on, which is later than when it left; one that was attempted
    and of which nothing is known counts as of now, or as late as its slot may be.
    """
    now = timezone.now()
    connector = connector_for(processor)
    windows = connector.budget().new_requests
    since = now - timedelta(seconds=max((limit.seconds for limit in windows), default=0))
    counted = [kind for kind in RequestType.values if connector.counts_as_new(kind)]
    mine = ProcessorRequest.objects.filter(processor=processor, case__type__in=counted).order_by()
    minutes = (
        mine.filter(sent_at__gt=since)
        .annotate(minute=TruncMinute("sent_at"))
        .values_list("minute")
        .annotate(Count("pk"))
    )
    unknown = mine.filter(
        Q(status=RequestStatus.QUEUED) | Q(status_changed_at__gt=since), attempts__gt=0, sent_at=None
    ).count()
    return [
        *((minute + timedelta(minutes=1), count) for minute, count in minutes),
        (now + timedelta(minutes=1), unknown),
    ]
