"""The panel “More filters” above the list of cases: what is asked for less often, in one form."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib.admin import ListFilter, ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.admin.worklist.filters import Asked, CaseFilter
from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import ProcessorRequest, Tag
from cases.services.refusal import Refused
from cases.services.status.trend import IN_TIME
from dsrportal.sentence import Sentence
from integrations.models import Processor
from integrations.types import Regulation

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199


class PanelFilter(CaseFilter):
    """A field of the panel's form."""

    more = True

    def has_output(self) -> bool:
        """Also where there is nothing to choose: what the address asks for is never ignored."""
        return True


class RegulationFilter(PanelFilter):
    title = _("Regulation")
    parameter_name = "regulation__exact"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return list(Regulation.choices)

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("regulation__exact", "")
        return Q(regulation=value) if value else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in Regulation.values


class ProcessorFilter(PanelFilter):
    """Cases of which this processor was asked something that stands."""

    title = _("Processor")
    parameter_name = "processor"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [(str(pk), name) for pk, name in Processor.objects.order_by("name").values_list("pk", "name")]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("processor", "")
        if not value:
            return Q()
        if not cls.knows("processor", value):
            return Q(pk__in=[])
        dropped = Q(status=RequestStatus.CANCELLED, queued_at__isnull=True)
        asked_of = ProcessorRequest.objects.filter(
            case=OuterRef("pk"), processor=UUID(value), replaced_by__isnull=True
        )
        return Q(Exists(asked_of.exclude(dropped)))

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        try:
            return bool(UUID(value))
        except ValueError:
            return False


class TagFilter(PanelFilter):
    title = _("Tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [(name, name) for name in Tag.objects.values_list("name", flat=True)]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("tag", "")
        return Q(tags__name=value) if value else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return 0 < len(value) <= 40


class FollowUpFilter(PanelFilter):
    """Deferred cases are out of the way until their day."""

    title = _("Follow-up")
    parameter_name = "follow_up"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("due", _("Not deferred, or due")), ("later", _("Deferred"))]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        today, value = timezone.localdate(), asked.get("follow_up", "")
        if value == "due":
            return Q(follow_up_on=None) | Q(follow_up_on__lte=today)
        return Q(follow_up_on__gt=today) if value == "later" else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in {"due", "later"}


class OutcomeFilter(PanelFilter):
    """How cases ended; who asks for that wants closed ones, so the status need not be said."""

    title = _("Outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return list(Outcome.choices)

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("outcome", "")
        return Q(status=CaseStatus.CLOSED, outcome=value) if value else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in Outcome.values


class ClosedInTimeFilter(PanelFilter):
    title = _("Closed")
    parameter_name = "closed"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("in_time", _("In time")), ("late", _("Late"))]

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        value = asked.get("closed", "")
        if value == "in_time":
            return Q(IN_TIME, status=CaseStatus.CLOSED)
        return Q(status=CaseStatus.CLOSED, closed_at__gte=F("due_at")) if value == "late" else Q()

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value in {"in_time", "late"}


# --- from day to day


class DaysFilter(ListFilter):
    """From one day to another, both included; either may be left out. What is no date finds nothing, and says so."""

    more: ClassVar[bool] = True
    kept: ClassVar[bool] = True
    # `received` asks by `received_from` and `received_to`.
    name: ClassVar[str]
    days: ClassVar[bool] = True

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: ModelAdmin
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.given = {name: params.pop(name)[-1] for name in self.parameters() if name in params}

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        return (f"{cls.name}_from", f"{cls.name}_to")

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters())

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.condition(request, request.GET))

    @property
    def fields(self) -> list[tuple[str, Any, str]]:
        """Name, label and value of both fields."""
        first, last = self.parameters()
        return [(first, _("from"), self.given.get(first, "")), (last, _("to"), self.given.get(last, ""))]

    @property
    def words(self) -> str:
        try:
            first, last = self._read(self.given)
        except Refused:
            return gettext("not a date")
        told = [date_format(day, "DATE_FORMAT") if day else "" for day in (first, last)]
        if all(told):
            return told[0] if first == last else " – ".join(told)
        if told[0]:
            return gettext("from %(day)s") % {"day": told[0]}
        return gettext("to %(day)s") % {"day": told[1]} if told[1] else ""

    @classmethod
    def problem(cls, asked: Asked) -> str:
        """What is wrong with what is asked for, in a sentence."""
        try:
            cls._read(asked)
        except Refused as refused:
            return str(refused)
        return ""

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return not cls.problem({name: value})

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        try:
            first, last = cls._read(asked)
        except Refused:
            return Q(pk__in=[])
        found = cls.since(first) if first else Q()
        return found & cls.until(last) if last else found

    @classmethod
    def since(cls, day: date) -> Q:
        return Q(**{f"{cls.name}_at__gte": _midnight(day)})

    @classmethod
    def until(cls, day: date) -> Q:
        return Q(**{f"{cls.name}_at__lt": _midnight(day + timedelta(days=1))})

    @classmethod
    def _read(cls, asked: Asked) -> tuple[date | None, date | None]:
        first, last = (_day(cls.title, asked.get(name, "")) for name in cls.parameters())
        if first and last and first > last:
            raise Refused(
                Sentence(
                    "%(what)s: the first day is after the last one. Nothing is shown.", what=cls.title or ""
                )
            )
        return first, last


def _day(title: Promise | str | None, typed: str) -> date | None:
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refused(
            Sentence(
                "%(what)s: that is no date; give one such as 2026-05-31. Nothing is shown.", what=title or ""
            )
        )
    return day


def _midnight(day: date) -> datetime:
    """The beginning of a day in the zone of who looks."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


class ReceivedFilter(DaysFilter):
    title = _("Received")
    name = "received"


class DueDaysFilter(DaysFilter):
    """By the legal date itself, as the list shows it: that has the zone of its clock."""

    title = _("Due date")
    name = "due"

    @classmethod
    def since(cls, day: date) -> Q:
        return Q(due_on__gte=day)

    @classmethod
    def until(cls, day: date) -> Q:
        return Q(due_on__lte=day)


class ClosedFilter(DaysFilter):
    title = _("Closed on")
    name = "closed"
