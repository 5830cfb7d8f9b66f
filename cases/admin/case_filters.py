"""What the list of cases can be narrowed to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.admin import search
from cases.lifecycle import CaseStatus
from cases.models import Case, ClockKind, Tag
from cases.services import forecast, standing
from dsrportal.models import User

OPEN: Final = [status for status in CaseStatus.values if status != CaseStatus.CLOSED]
OVERDUE: Final = "overdue"
# Counting what a chip would show ends here.
MOST_COUNTED: Final = 999
NO_LIMIT: Final = 10**9
# Value in the address -> (words, days).
DUE_WITHIN: Final[dict[str, tuple[Promise | str, int]]] = {
    "1": (_("Within a day"), 1),
    "3": (_("Within 3 days"), 3),
    "7": (_("Within 7 days"), 7),
    "30": (_("Within 30 days"), 30),
}


def with_due_date() -> QuerySet[Any]:
    """Cases with `due_at` and `due_on` of their response clock: a join, so that its index gives the order."""
    return Case.objects.annotate(
        response=FilteredRelation("clocks", condition=Q(clocks__kind=ClockKind.RESPONSE)),
        due_at=F("response__due_at"),
        due_on=F("response__due_on"),
    )


def due_condition(value: str) -> Q:
    """What “overdue” or “due within so many days” means, for the filter and for the figures that link to it."""
    now = timezone.now()
    if value == OVERDUE:
        return Q(due_at__lte=now)
    return Q(due_at__gt=now, due_at__lte=now + timedelta(days=DUE_WITHIN[value][1]))


class StatusFilter(SimpleListFilter):
    """Open cases, unless something else is asked for."""

    title = _("Status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [*CaseStatus.choices, ("all", _("Open and closed"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        first, *rest = super().choices(changelist)
        yield {**first, "display": _("Any") if search.asked(self.request) else _("All open")}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value in CaseStatus.values:
            return queryset.filter(status=value)
        # Who looks for a person wants all their cases.
        if value == "all" or search.asked(request):
            return queryset
        return queryset.filter(status__in=OPEN)


class DueFilter(SimpleListFilter):
    title = _("Due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [(OVERDUE, _("Overdue")), *((value, words) for value, (words, _days) in DUE_WITHIN.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == OVERDUE or value in DUE_WITHIN:
            return queryset.filter(due_condition(str(value)))
        return queryset


class ChipFilter(SimpleListFilter):
    """One thing to narrow to, as a chip that is on or off, with how many open cases it concerns."""

    template = "portal/chip_filter.html"
    parameter_name: str

    @staticmethod
    def cases(*, now: datetime) -> QuerySet[Case]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("1", self.title)]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        on = self.value() == "1"
        count = how_many(self.cases(now=timezone.now()))
        address = changelist.get_query_string(
            {} if on else {self.parameter_name: "1"}, [self.parameter_name] if on else []
        )
        yield {"selected": on, "query_string": address, "display": self.title, "count": count}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "1":
            return queryset
        # With a limit PostgreSQL finds them once, instead of asking again for each row of the list.
        found = self.cases(now=timezone.now()).values("pk")[:NO_LIMIT]
        return queryset.filter(pk__in=found)


class StuckFilter(ChipFilter):
    title = _("Stuck")
    parameter_name = "stuck"
    cases = staticmethod(standing.stuck)


class RiskFilter(ChipFilter):
    title = _("At risk")
    parameter_name = "risk"
    cases = staticmethod(forecast.at_risk)


def how_many(cases: QuerySet[Case]) -> str:
    """So many, counted up to a cap."""
    counted = cases.order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED}+" if counted > MOST_COUNTED else str(counted)


class FoundFilter(SimpleListFilter):
    """The result of a search by identity, kept in the session: the address names it by a random word."""

    title = _("Found by identity")
    parameter_name = search.PARAMETER

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        if not search.asked(request):
            return []
        if search.expired(request):
            return [(str(request.GET[search.PARAMETER]), _("no longer kept"))]
        people = len(search.found(request))
        words = ngettext("%(people)d person", "%(people)d persons", people) % {"people": people}
        return [(str(request.GET[search.PARAMETER]), words)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(subject__in=search.found(request)) if self.value() else queryset


class AssigneeFilter(SimpleListFilter):
    """Whose cases: my own, nobody's, or those of one person who has some."""

    title = _("Assignee")
    parameter_name = "assignee"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        others = User.objects.filter(assigned_cases__status__in=OPEN).exclude(
            username=request.user.get_username()
        )
        names = others.order_by("username").values_list("pk", "username").distinct()
        return [("me", _("Me")), ("nobody", _("Nobody")), *((str(pk), name) for pk, name in names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "me":
            return queryset.filter(assignee=request.user.pk)
        if value == "nobody":
            return queryset.filter(assignee=None)
        return queryset.filter(assignee=value) if value and value.isdecimal() else queryset


class FollowUpFilter(SimpleListFilter):
    """Deferred cases are out of the way until their day."""

    title = _("Follow-up")
    parameter_name = "follow_up"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("due", _("Not deferred, or due")), ("later", _("Deferred"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = timezone.localdate()
        if self.value() == "due":
            return queryset.filter(Q(follow_up_on=None) | Q(follow_up_on__lte=today))
        return queryset.filter(follow_up_on__gt=today) if self.value() == "later" else queryset


class TagFilter(SimpleListFilter):
    title = _("Tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [(name, name) for name in Tag.objects.values_list("name", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        # One of the lookups: Django takes no other for a value.
        return queryset.filter(tags__name=self.value()) if self.value() else queryset
