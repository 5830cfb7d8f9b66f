"""All that the list of cases can be narrowed by, and the cases that an address means without being opened."""

from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

from cases.admin.worklist import order as list_order
from cases.admin.worklist import search
from cases.admin.worklist.chips import ApprovalFilter, DuplicateFilter, RiskFilter, SilentFilter, StuckFilter
from cases.admin.worklist.filters import (
    Asked,
    AssigneeFilter,
    CaseFilter,
    DueFilter,
    FoundFilter,
    StatusFilter,
    TypeFilter,
    with_due_date,
)
from cases.admin.worklist.panel import (
    ClosedFilter,
    ClosedInTimeFilter,
    DaysFilter,
    DueDaysFilter,
    FollowUpFilter,
    OutcomeFilter,
    ProcessorFilter,
    ReceivedFilter,
    RegulationFilter,
    TagFilter,
)

FILTERS: Final[tuple[type[CaseFilter] | type[DaysFilter], ...]] = (
    StuckFilter,
    RiskFilter,
    SilentFilter,
    DuplicateFilter,
    ApprovalFilter,
    FoundFilter,
    StatusFilter,
    DueFilter,
    AssigneeFilter,
    TypeFilter,
    RegulationFilter,
    ProcessorFilter,
    TagFilter,
    OutcomeFilter,
    ClosedInTimeFilter,
    FollowUpFilter,
    ReceivedFilter,
    DueDaysFilter,
    ClosedFilter,
)
PARAMETERS: Final = frozenset(name for each in FILTERS for name in each.parameters())
DAYS: Final = (ReceivedFilter, DueDaysFilter, ClosedFilter)


def narrowed(request: HttpRequest, asked: Asked) -> QuerySet[Any]:
    """The cases that a list with these parameters holds, for whoever asks; in no order."""
    cases = with_due_date()
    for each in FILTERS:
        cases = cases.filter(each.condition(request, asked))
    return cases.order_by()


def problems(asked: Asked) -> list[str]:
    return [problem for each in DAYS if (problem := each.problem(asked))]


def canonical(asked: Asked, *, search_too: bool = False) -> str:
    """The known parameters and the order, always written alike; what a search found only where it is asked for."""
    known = {
        name: value
        for each in FILTERS
        if each.kept
        for name in each.parameters()
        if (value := asked.get(name, "")) and each.knows(name, value)
    }
    if (order := asked.get(list_order.PARAMETER, "")) in list_order.SORTS and order != "due":
        known[list_order.PARAMETER] = order
    if search_too and asked.get(search.PARAMETER):
        known[search.PARAMETER] = asked[search.PARAMETER]
    return urlencode(sorted(known.items()))
