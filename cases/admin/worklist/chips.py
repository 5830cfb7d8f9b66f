"""Chips above the list of cases: one thing to narrow to, on or off, with how many open cases it concerns."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from django.contrib.admin import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.admin.actors import actor_of
from cases.admin.worklist.filters import Asked, CaseFilter, how_many
from cases.models import Case
from cases.services.planning import approval, suggestions
from cases.services.status import forecast, silent, whose_turn

NO_LIMIT: Final = 10**9


class ChipFilter(CaseFilter):
    template = "portal/worklist/chip_filter.html"
    chip: ClassVar[bool] = True
    # Why it is there, in a sentence.
    explained: ClassVar[Promise | str] = ""

    @classmethod
    def cases(cls, request: HttpRequest, *, now: datetime) -> QuerySet[Case]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("1", self.title)]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        on = self.value() == "1"
        count = how_many(self.cases(self.request, now=timezone.now()))
        address = changelist.get_query_string(
            {} if on else {self.parameter_name: "1"}, [self.parameter_name] if on else []
        )
        yield {
            "selected": on,
            "query_string": address,
            "display": self.title,
            "explained": self.explained,
            "count": count,
        }

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        if asked.get(cls.parameter_name) != "1":
            return Q()
        # With a limit PostgreSQL finds them once, instead of asking again for each row of the list.
        return Q(pk__in=cls.cases(request, now=timezone.now()).values("pk")[:NO_LIMIT])

    @classmethod
    def knows(cls, name: str, value: str) -> bool:
        return value == "1"


class StuckFilter(ChipFilter):
    title = _("Stuck")
    parameter_name = "stuck"
    explained = _("Has not moved for longer than its stage should take")

    @classmethod
    def cases(cls, request: HttpRequest, *, now: datetime) -> QuerySet[Case]:
        return whose_turn.stuck(now=now)


class RiskFilter(ChipFilter):
    title = _("At risk")
    parameter_name = "risk"
    explained = _("Will probably miss its legal date")

    @classmethod
    def cases(cls, request: HttpRequest, *, now: datetime) -> QuerySet[Case]:
        return forecast.at_risk(now=now)


class SilentFilter(ChipFilter):
    title = _("Silent")
    parameter_name = "silent"
    explained = _("Waits for a processor that gives no word")

    @classmethod
    def cases(cls, request: HttpRequest, *, now: datetime) -> QuerySet[Case]:
        return silent.waiting(now=now)


class DuplicateFilter(ChipFilter):
    title = _("Possible duplicates")
    parameter_name = "duplicate"
    explained = _("The same verified person asks for the same in another open case")

    @classmethod
    def cases(cls, request: HttpRequest, *, now: datetime) -> QuerySet[Case]:
        return suggestions.suggested()


class ApprovalFilter(ChipFilter):
    """Of what waits for an approver, what this one may approve: never what they opened, verified or changed alone."""

    title = _("For my approval")
    parameter_name = "approval"
    explained = _("Ready, and yours to approve")

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        return super().choices(changelist) if self.request.user.has_perm("cases.approve_case") else iter(())

    @classmethod
    def cases(cls, request: HttpRequest, *, now: datetime) -> QuerySet[Case]:
        if not request.user.has_perm("cases.approve_case"):
            return Case.objects.none()
        return Case.objects.filter(approval.approvable_by(actor_of(request).user_id))

    @classmethod
    def condition(cls, request: HttpRequest, asked: Asked) -> Q:
        # A condition on the case itself needs no rows of its own; nobody but approvers is asked at all.
        if asked.get(cls.parameter_name) != "1":
            return Q()
        if not request.user.has_perm("cases.approve_case"):
            return Q(pk__in=[])
        return approval.approvable_by(actor_of(request).user_id)
