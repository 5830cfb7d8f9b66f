"""The cool-off: what was approved in bulk waits a while here, in which the approval can be taken back.

Only what is not waiting is in the index of what is due, so that a hundred thousand requests that wait do not slow down
what may leave. A request joins that index when its wait is lifted, by a lane or by the sweep.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cases.lifecycle import SECOND_PERSON_TYPES, RequestStatus
from cases.models import Case, ProcessorRequest


def ends_at(case: Case) -> datetime | None:
    """Until when a case waits that is approved in bulk now: None where its type can be undone at the processor."""
    seconds = settings.BULK_COOL_OFF_SECONDS
    if case.type not in SECOND_PERSON_TYPES or seconds <= 0:
        return None
    return timezone.now() + timedelta(seconds=seconds)


def end_due(*, now: datetime, processor_id: UUID | None = None) -> int:
    """Let go what has waited long enough, of one processor or of all; how many requests.

    Without a lock on their cases: taking back asks again under the lock of the requests. What somebody else has locked
    is left for the next time: nobody waits here for one while holding another.
    """
    over = ProcessorRequest.objects.filter(status=RequestStatus.QUEUED, not_before_at__lte=now)
    if processor_id is not None:
        over = over.filter(processor=processor_id)
    free = over.select_for_update(skip_locked=True, no_key=True).values("pk")
    with transaction.atomic():
        return ProcessorRequest.objects.filter(pk__in=free).update(not_before_at=None)
