"""The preview of a bulk run in numbers: counted once, when its list is frozen and its plans are read."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Case as Choice
from django.db.models import CharField, Count, F, Q, QuerySet, Value, When
from django.utils import timezone

from cases.lifecycle import SECOND_PERSON_TYPES, RequestStatus
from cases.models import BulkRow, BulkRun, BulkState, BulkVerb, ClockKind, ProcessorRequest, RowState
from cases.services.dispatch import cancellation
from cases.services.status import forecast
from integrations.errors import NotSent
from integrations.models import Processor

# What is counted of an approval and of a cancel; of the other verbs every request that the case has.
_ASKED: Final[dict[str, Q]] = {
    BulkVerb.APPROVE: Q(status=RequestStatus.PLANNED),
    BulkVerb.CANCEL: cancellation.PENDING,
}
# Until when a case is due -> within so many days; what comes later has a word of its own.
AGES: Final = (("overdue", 0), ("week", 7), ("month", 30))
LATER: Final = "later"
# What one row takes on a small machine, its commit to disk included.
ROW_SECONDS: Final = 0.04


def finish(run: BulkRun) -> None:
    """Count, and hand the run to whoever is to confirm it. Once: a run that was stopped meanwhile stays stopped."""
    BulkRun.objects.filter(pk=run.pk, state=BulkState.PREPARING).update(
        state=BulkState.PREVIEWED, preview=count(run), lease_until=None, lease_token=None
    )
    run.refresh_from_db(fields=["state", "preview"])


def count(run: BulkRun) -> dict[str, Any]:
    """Cases by type and law, by due date and by why they are left out; requests by processor."""
    rows = BulkRow.objects.filter(run=run).order_by()
    waiting = rows.filter(state=RowState.WAITING)
    kinds = waiting.values_list("case__type", "case__regulation").annotate(Count("pk"))
    left_out = rows.filter(state=RowState.LEFT_OUT).values_list("code").annotate(Count("pk"))
    return {
        "cases": waiting.count(),
        "kinds": [list(kind) for kind in kinds.order_by("case__type", "case__regulation")],
        "ages": dict(_ages(waiting, now=timezone.now())),
        "processors": [list(each) for each in _processors(run)],
        "left_out": dict(left_out),
        "held": waiting.filter(case__blocked_by__isnull=False).count(),
        "cooling": waiting.filter(case__type__in=sorted(SECOND_PERSON_TYPES)).count(),
    }


def _ages(waiting: QuerySet[BulkRow], *, now: datetime) -> list[tuple[str, int]]:
    age: Any = Choice(
        *(
            When(case__clocks__due_at__lte=now + timedelta(days=days), then=Value(name))
            for name, days in AGES
        ),
        default=Value(LATER),
        output_field=CharField(),
    )
    clocks = waiting.filter(case__clocks__kind=ClockKind.RESPONSE)
    return list(clocks.annotate(age=age).values_list("age").annotate(Count("pk")))


def _processors(run: BulkRun) -> list[tuple[str, str, int]]:
    asked = _ASKED.get(run.verb, Q(replaced_by__isnull=True))
    requests = ProcessorRequest.objects.filter(
        asked, case__bulk_rows__run=run, case__bulk_rows__state=RowState.WAITING
    ).order_by("processor__name")
    found = requests.values_list("processor_id", F("processor__name")).annotate(Count("pk"))
    return [(str(key), name, number) for key, name, number in found]


def row_seconds(rows: int) -> float:
    """About how long so many rows take here."""
    return rows * ROW_SECONDS


def sending_seconds(run: BulkRun) -> float | None:
    """When the last request of an approval will have left, behind all that is queued; None: nobody knows.

    As if no processor were paused. The cool-off comes on top, and what is held leaves whenever it is released.
    """
    asked = {key: number for key, _name, number in run.preview.get("processors", [])}
    try:
        return max(
            (
                forecast.sending_seconds(processor, asked[str(processor.pk)])
                for processor in Processor.objects.filter(pk__in=asked)
            ),
            default=0.0,
        )
    except NotSent:
        return None
