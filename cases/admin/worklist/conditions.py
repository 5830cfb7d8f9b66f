"""Conditions on cases that filters, orders and figures share, and who asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import BigIntegerField, DateField, DateTimeField, F, FilteredRelation, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from cases.admin import widgets
from cases.admin.worklist import search
from cases.lifecycle import CaseStatus
from cases.models import Case, ClockKind
from dsrportal.database.prepared import Given

OPEN: Final = [status for status in CaseStatus.values if status != CaseStatus.CLOSED]
NOTHING: Final = Q(pk__in=[])
OVERDUE: Final = "overdue"
# Of what may be due within so many days, by its value in an address.
DUE_DAYS: Final = {"1": 1, "3": 3, "7": 7, "30": 30}
# Counting what a chip would show ends here.
MOST_COUNTED: Final = 999
# Who asks how cases ended asks for closed ones, and need not say so.
OF_CLOSED: Final = ("outcome", "closed", "closed_from", "closed_to")

# The parameters of an address.
Asked = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when. Of a prepared question the values are `Given`, and come with each asking."""

    user: Any
    now: Any
    today: Any
    may_approve: bool
    # Keys of the data subjects that a search found.
    found: Any

    @property
    def zone(self) -> str:
        return timezone.get_current_timezone_name()

    @property
    def values(self) -> dict[str, Any]:
        """What a question that was prepared for `anybody` is given."""
        return {"user": self.user, "now": self.now, "today": self.today, "found": self.found}


def asker_of(request: HttpRequest, asked: Asked) -> Asker:
    """Whoever looks, with what the search that the address names has found for them."""
    name = asked.get(search.PARAMETER, "")
    return Asker(
        user=request.user.pk,
        now=timezone.now(),
        today=timezone.localdate(),
        may_approve=request.user.has_perm("cases.approve_case"),
        found=[UUID(key) for key in search.found(request, name)] if name else [],
    )


def anybody(*, may_approve: bool) -> Asker:
    """Of prepared questions: whoever will ask."""
    return Asker(
        user=Given("user", BigIntegerField()),
        now=Given("now", DateTimeField()),
        today=Given("today", DateField()),
        may_approve=may_approve,
        found=Given("found"),
    )


def with_due_date() -> QuerySet[Any]:
    """Cases with `due_at` and `due_on` of their response clock: a join, so that its index gives the order."""
    return Case.objects.annotate(
        response=FilteredRelation("clocks", condition=Q(clocks__kind=ClockKind.RESPONSE)),
        due_at=F("response__due_at"),
        due_on=F("response__due_on"),
    )


def due_condition(value: str, *, now: Any) -> Q:
    """What “overdue” or “due within so many days” means, for the filter and for the figures that link to it."""
    if value == OVERDUE:
        return Q(due_at__lte=now)
    return Q(due_at__gt=now, due_at__lte=now + timedelta(days=DUE_DAYS[value]))


def of_closed(asked: Asked) -> bool:
    return not asked.get("status") and any(asked.get(name) for name in OF_CLOSED)


def how_many(cases: QuerySet[Case], most: int | None = None) -> int:
    """So many, counted to one beyond the cap."""
    return cases.order_by()[: (MOST_COUNTED if most is None else most) + 1].count()


def capped(count: int, most: int | None = None) -> str:
    """As it is shown: `999+` for what was not counted to its end."""
    cap = MOST_COUNTED if most is None else most
    return f"{widgets.number(cap)}+" if count > cap else widgets.number(count)
