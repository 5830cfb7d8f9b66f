"""The trend of the last weeks: cases received, closed and in time, and how long each type took.

Over all cases, by indexes on receipt and closing; without anything personal, so that it may be kept for a moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    Q,
    QuerySet,
)
from django.db.models.functions import TruncWeek

from cases.models import Case, ClockKind
from cases.services.cached import cached

WEEKS: Final = 12
KEPT_SECONDS: Final = 45
# The first instant too late is the clock's `due_at`.
IN_TIME: Final = Q(closed_at__lt=F("due_at"))


class Percentile(Aggregate):
    """The value that this share of all is at or below; between two it is interpolated."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()

    def __init__(self, expression: Any, *, share: float) -> None:
        super().__init__(expression, share=float(share))


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday, in the zone that was asked for."""

    first: date
    received: int
    closed: int
    in_time: int

    @property
    def last(self) -> date:
        return self.first + timedelta(days=6)

    @property
    def late(self) -> int:
        return self.closed - self.in_time

    @property
    def share(self) -> float | None:
        """Of what was closed, the part in time; None where nothing was closed."""
        return self.in_time / self.closed if self.closed else None


@dataclass(frozen=True, slots=True)
class Duration:
    """From receipt to closing, of all cases of one type that were closed in these weeks."""

    type: str
    closed: int
    half: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True)
class Trend:
    computed_at: datetime
    weeks: tuple[Week, ...]
    durations: tuple[Duration, ...]


def recent(*, now: datetime, zone: ZoneInfo) -> Trend:
    """As computed within the last 45 seconds."""
    name = f"trend:1:{zone.key}:{_monday(now, zone)}"
    return cached(name, seconds=KEPT_SECONDS, compute=lambda: trend(now=now, zone=zone))


def trend(*, now: datetime, zone: ZoneInfo) -> Trend:
    """The week of `now` and those before it, oldest first."""
    first = _monday(now, zone) - timedelta(weeks=WEEKS - 1)
    mondays = [first + timedelta(weeks=number) for number in range(WEEKS)]
    begin, end = _midnight(first, zone), _midnight(first + timedelta(weeks=WEEKS), zone)
    received = Case.objects.filter(received_at__gte=begin, received_at__lt=end)
    received_in = _by_week(received, "received_at", zone, {"count": Count("pk")})
    closed = Case.objects.filter(closed_at__gte=begin, closed_at__lt=end)
    closed_in = _by_week(
        closed.annotate(
            response=FilteredRelation("clocks", condition=Q(clocks__kind=ClockKind.RESPONSE)),
            due_at=F("response__due_at"),
        ),
        "closed_at",
        zone,
        {"count": Count("pk"), "in_time": Count("pk", filter=IN_TIME)},
    )
    weeks = tuple(
        Week(
            monday,
            received=received_in.get(monday, {}).get("count", 0),
            closed=closed_in.get(monday, {}).get("count", 0),
            in_time=closed_in.get(monday, {}).get("in_time", 0),
        )
        for monday in mondays
    )
    return Trend(now, weeks, tuple(_durations(closed)))


def _by_week(
    cases: QuerySet[Any], column: str, zone: ZoneInfo, counts: Mapping[str, Count]
) -> dict[date, dict[str, int]]:
    rows = cases.order_by().annotate(week=TruncWeek(column, tzinfo=zone)).values("week").annotate(**counts)
    return {row["week"].date(): row for row in rows}


def _durations(closed: QuerySet[Case]) -> list[Duration]:
    took = ExpressionWrapper(F("closed_at") - F("received_at"), output_field=DurationField())
    rows = (
        closed.order_by()
        .values("type")
        .annotate(count=Count("pk"), half=Percentile(took, share=0.5), most=Percentile(took, share=0.9))
        .order_by("type")
    )
    return [Duration(row["type"], row["count"], row["half"], row["most"]) for row in rows]


def _monday(now: datetime, zone: ZoneInfo) -> date:
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
