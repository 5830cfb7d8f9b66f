"""Filters above the list of cases; chips, the panel and days have files of their own."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.admin import widgets
from cases.admin.worklist import search
from cases.lifecycle import CaseStatus
from cases.models import Case, ClockKind
from dsrportal.models import User
from integrations.types import RequestType

OPEN: Final = [status for status in CaseStatus.values if status != CaseStatus.CLOSED]
OVERDUE: Final = "overdue"
# Counting what a chip would show ends here.
MOST_COUNTED: Final = 999
# Value in the address -> (words, days).
DUE_WITHIN: Final[dict[str, tuple[Promise | str, int]]] = {
    "1": (_("Within a day"), 1),
    "3": (_("Within 3 days"), 3),
    "7": (_("Within 7 days"), 7),
    "30": (_("Within 30 days"), 30),
}
# Who asks how cases ended asks for closed ones, and need not say so.
OF_CLOSED: Final = ("outcome", "closed", "closed_from", "closed_to")
Asked = Mapping[str, str]


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


def how_many(cases: QuerySet[Case], most: int | None = None) -> str:
    """So many, counted up to a cap."""
    cap = MOST_COUNTED if most is None else most
    counted = cases.order_by()[: cap + 1].count()
    return f"{widgets.number(cap)}+" if counted > cap else widgets.number(counted)


def of_closed(asked: Asked) -> bool:
    return not asked.get("status") and any(asked.get(name) for name in OF_CLOSED)


class CaseFilter(SimpleListFilter):
    """One thing to narrow to. What it means is a condition, which the list, views and neighbours share."""

    parameter_name: str
    # Stands in the panel “More filters”, not in a menu of its own.
    more: ClassVar[bool] = False
    # May be part of a view that is kept.
    kept: ClassVar[bool] = True

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        return (cls.parameter_name,)

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        """What `asked`, the parameters of an address, means here; nothing for what it does not know."""
        raise NotImplementedError

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        """Whether a view may keep this value."""
        raise NotImplementedError

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.condition(request, request.GET))

    @property
    def words(self) -> str:
        """What it is set to."""
        value = self.value()
        return str(dict(self.lookup_choices).get(value, value)) if value else ""


class StatusFilter(CaseFilter):
    """Open cases, unless something else is asked for."""

    title = _("Status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [*CaseStatus.choices, ("all", _("Open and closed"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        first, *rest = super().choices(changelist)
        words = _("Any") if search.asked(self.request) else _("All open")
        yield {**first, "display": _("Closed") if of_closed(self.request.GET) else words}
        yield from rest

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("status", "")
        if value in CaseStatus.values:
            return Q(status=value)
        if not value and of_closed(asked):
            return Q(status=CaseStatus.CLOSED)
        # Who looks for a person wants all their cases.
        return Q() if value == "all" or asked.get(search.PARAMETER) else Q(status__in=OPEN)

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in {*CaseStatus.values, "all"}


class DueFilter(CaseFilter):
    title = _("Due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [(OVERDUE, _("Overdue")), *((value, words) for value, (words, _days) in DUE_WITHIN.items())]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("due", "")
        return due_condition(value) if cls.knows("due", value) else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value == OVERDUE or value in DUE_WITHIN


class AssigneeFilter(CaseFilter):
    """Whose cases: my own, nobody's, or those of one person who has some."""

    title = _("Assignee")
    parameter_name = "assignee"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        theirs = Case.objects.filter(assignee=OuterRef("pk"), status__in=OPEN)
        others = User.objects.filter(Exists(theirs)).exclude(username=request.user.get_username())
        names = others.order_by("username").values_list("pk", "username")
        return [("me", _("Me")), ("nobody", _("Nobody")), *((str(pk), name) for pk, name in names)]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("assignee", "")
        if value == "me":
            return Q(assignee=request.user.pk)
        if value == "nobody":
            return Q(assignee=None)
        return Q(assignee=int(value)) if cls.knows("assignee", value) else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in {"me", "nobody"} or (value.isascii() and value.isdecimal() and len(value) < 16)


class TypeFilter(CaseFilter):
    title = _("Type")
    parameter_name = "type__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return list(RequestType.choices)

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("type__exact", "")
        return Q(type=value) if value else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in RequestType.values


class FoundFilter(CaseFilter):
    """The result of a search by identity, kept in the session: the address names it by a random word."""

    title = _("Found by identity")
    parameter_name = search.PARAMETER
    kept = False

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        if not search.asked(request):
            return []
        if search.expired(request):
            return [(str(request.GET[search.PARAMETER]), _("no longer kept"))]
        people = len(search.found(request))
        words = ngettext("%(people)d person", "%(people)d persons", people) % {"people": people}
        return [(str(request.GET[search.PARAMETER]), words)]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        name = asked.get(search.PARAMETER, "")
        return Q(subject__in=search.found(request, name)) if name else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return False
