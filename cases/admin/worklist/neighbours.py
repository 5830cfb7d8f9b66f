"""The case before and the case after, in the list that a case was opened from.

The session knows the lists that were looked at lately, by a word of its own, and from which of them a case was opened;
an address names that word and nothing else. What stands beside a case is found by its place in the list's order, so
that it costs the same at the end of a long list, and also once the case itself has left the list.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final

from django.db.models import Exists, QuerySet, Subquery
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from cases.admin import paging, widgets
from cases.admin.worklist import order, registry
from cases.admin.worklist.conditions import Asked, Asker, anybody, asker_of
from cases.models import Case
from dsrportal.database.prepared import Given, Prepared

PARAMETER: Final = "list"
LISTS: Final = "case_lists"
OPENED_FROM: Final = "case_opened_from"
LISTS_REMEMBERED: Final = 12
CASES_REMEMBERED: Final = 40


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Addresses, "" where there is none; `place` is "" once the case is not in the list any more."""

    previous: str
    next: str
    place: str
    total: str
    list_address: str


def remember(request: HttpRequest) -> str:
    """The word by which this list is known to the session."""
    query = registry.canonical(request.GET, search_too=True)
    name = hashlib.sha256(query.encode()).hexdigest()[:10]
    lists: dict[str, str] = request.session.get(LISTS, {})
    earlier = [(each, kept) for each, kept in lists.items() if each != name]
    request.session[LISTS] = {**dict(earlier[-(LISTS_REMEMBERED - 1) :]), name: query}
    return name


def of_case(request: HttpRequest, case: Case, *, due_at: datetime) -> Neighbours | None:
    """None where the case was not opened from a list, or nobody remembers which. One query, however long the list."""
    name = _opened_from(request, case)
    query = request.session.get(LISTS, {}).get(name) if name else None
    if name is None or query is None:
        return None
    asked = QueryDict(query)
    asker, columns = asker_of(request, asked), [key.column for key in order.keys(asked)]
    values = {column: due_at if column == "due_at" else getattr(case, column) for column in columns}
    place = {f"its_{column}": value for column, value in values.items()}
    question = _question(asker, asked, frozenset(name for name, value in values.items() if value is None))
    previous, following, earlier, total, inside = question.ask(case=case.pk, **place, **asker.values)[0]
    address = reverse("admin:cases_case_changelist")
    return Neighbours(
        previous=_page(previous, name),
        next=_page(following, name),
        place=_counted(earlier + 1) if inside else "",
        total=_counted(total),
        list_address=f"{address}?{query}" if query else address,
    )


# --- the question

Row = tuple[int | None, int | None, int, int, bool]


def _question(asker: Asker, asked: Asked, empty: frozenset[str]) -> Prepared[Row]:
    """What stands around a case in a list; `empty` are the columns of its order in which the case has nothing."""
    if registry.is_steady(asked):
        return _prepared(registry.parameters(asked), asker.zone, asker.may_approve, empty, paging.CAP)
    return Prepared(lambda: _around_case(asker, asked, empty, paging.CAP))


@lru_cache(maxsize=256)
def _prepared(
    parameters: registry.Parameters, _zone: str, may_approve: bool, empty: frozenset[str], most: int
) -> Prepared[Row]:
    asker = anybody(may_approve=may_approve)
    return Prepared(lambda: _around_case(asker, dict(parameters), empty, most))


def _around_case(asker: Asker, asked: Asked, empty: frozenset[str], most: int) -> QuerySet[Any, Any]:
    cases, keys = registry.narrowed(asker, asked), order.keys(asked)
    values = [None if key.column in empty else Given(f"its_{key.column}") for key in keys]
    before, after = (
        cases.filter(order.beyond(keys, values, backwards=backwards)) for backwards in (True, False)
    )
    return Case.objects.filter(pk=Given("case")).values_list(
        Subquery(_nearest(before, keys, backwards=True)),
        Subquery(_nearest(after, keys, backwards=False)),
        paging.CountUpTo(before.values("pk")[: most + 1]),
        paging.CountUpTo(cases.values("pk")[: most + 1]),
        Exists(cases.filter(pk=Given("case"))),
    )


# --- the list that it was opened from


def _opened_from(request: HttpRequest, case: Case) -> str | None:
    """The list that the address names, which is remembered; else the one remembered for this case."""
    opened: dict[str, str] = request.session.get(OPENED_FROM, {})
    name = request.GET.get(PARAMETER, "")
    if name not in request.session.get(LISTS, {}):
        return opened.get(str(case.pk))
    earlier = [(each, kept) for each, kept in opened.items() if each != str(case.pk)]
    request.session[OPENED_FROM] = {**dict(earlier[-(CASES_REMEMBERED - 1) :]), str(case.pk): name}
    return name


def _nearest(cases: QuerySet[Any], keys: tuple[order.Key, ...], *, backwards: bool) -> QuerySet[Any]:
    return cases.order_by(*(key.order(backwards=backwards) for key in keys)).values("pk")[:1]


def _counted(count: int) -> str:
    """So many, as a person reads it; counted up to the cap of the list itself."""
    if count > paging.CAP:
        return f"{widgets.number(paging.CAP)}+"
    return widgets.number(count)


def _page(pk: int | None, name: str) -> str:
    return page_in(name, pk) if pk else ""


def page_in(name: str, pk: int) -> str:
    """The address of a case's page as one of this list."""
    before, after = _around()
    return f"{before}{pk}{after}?{PARAMETER}={name}"


@cache
def _around() -> tuple[str, str]:
    """What stands before and behind the key of a case: looked up once, since a list has an address in each row."""
    before, after = reverse("admin:cases_case_change", args=[0]).rsplit("0", 1)
    return before, after
