"""Everything that the board counts and lists, for whoever looks.

What is counted anew for each of them is one round trip; what everybody shares may be some seconds old.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from cases.admin.home.counts import open_items
from cases.admin.home.task import open_tasks
from cases.admin.paging import CountUpTo
from cases.admin.worklist import chip_counts, registry
from cases.admin.worklist.conditions import (
    OPEN,
    OVERDUE,
    Asker,
    anybody,
    asker_of,
    due_condition,
    with_due_date,
)
from cases.models import AttentionItem, Case
from cases.services.planning import approval
from dsrportal.database.prepared import Given, Prepared, ask
from dsrportal.models import User

SHOWN: Final = 8

Sums = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Known:
    """None stands for what this person may not see: `sums` are of cases, and so is all but tasks and items."""

    now: datetime
    sums: Sums | None
    due_next: list[Any]
    # By the name of each chip of the list of cases.
    chips: dict[str, int]
    tasks: int
    open_items: int
    attention_items: list[AttentionItem] | None
    silent_processors: int | None


def look(request: HttpRequest) -> Known:
    may, asker = request.user.has_perm, asker_of(request, {})
    sees_cases, sees_items = may("cases.view_case"), may("cases.view_attentionitem")
    sees_processors = may("integrations.view_processor")
    sums, due_next, counts, items = ask(
        (_SUMS if sees_cases else _NO_ROWS).given(**asker.values),
        (_DUE_NEXT if sees_cases else _NO_ROWS).given(),
        _COUNTS[sees_cases].given(user=asker.user),
        (_ITEMS[sees_cases] if sees_items else _NO_ROWS).given(),
    )
    tasks, open_items = counts[0]
    figures = [
        flag
        for flag in registry.CHIPS
        if flag.name in ("stuck", "risk", *([] if sees_processors else ["silent"]))
    ]
    return Known(
        now=asker.now,
        sums=_by_status(sums) if sees_cases else None,
        due_next=due_next,
        chips=chip_counts.counts(figures, asker) if sees_cases else {},
        tasks=tasks,
        open_items=open_items,
        attention_items=items if sees_items else None,
        silent_processors=chip_counts.silent_processors(now=asker.now) if sees_processors else None,
    )


# --- the questions


def _counted(asker: Asker) -> dict[str, Q]:
    return {
        "all": Q(),
        "overdue": due_condition(OVERDUE, now=asker.now),
        **{f"within_{days}": due_condition(days, now=asker.now) for days in ("1", "3", "7")},
        "mine": Q(assignee=asker.user),
        "nobodys": Q(assignee=None),
        "mine_to_approve": approval.approvable_by(asker.user),
    }


def _open_cases() -> QuerySet[Any]:
    return with_due_date().filter(status__in=OPEN)


def _sums() -> QuerySet[Any, Any]:
    """Of the open cases, by status."""
    counts = {
        f"n_{name}": Count("pk", filter=wanted)
        for name, wanted in _counted(anybody(may_approve=True)).items()
    }
    sums: QuerySet[Any, Any] = _open_cases().order_by().values_list("status").annotate(**counts)
    return sums


def _counts(sees_cases: bool) -> QuerySet[Any, Any]:
    tasks = open_tasks().filter(assignee=Given("user")).values("pk")
    items = open_items(sees_cases=sees_cases).values("pk")
    return User.objects.filter(pk=Given("user")).values_list(CountUpTo(tasks), CountUpTo(items))


def _items(sees_cases: bool) -> QuerySet[AttentionItem]:
    items = open_items(sees_cases=sees_cases).select_related("case", "processor")
    return items.order_by("opened_at")[:SHOWN]


_NO_ROWS: Final = Prepared[Any](Case.objects.none)
_SUMS: Final = Prepared(_sums)
_DUE_NEXT: Final = Prepared(lambda: _open_cases().select_related("assignee").order_by("due_at", "pk")[:SHOWN])
# By whether whoever asks sees cases.
_COUNTS: Final = {sees: Prepared(partial(_counts, sees)) for sees in (True, False)}
_ITEMS: Final = {sees: Prepared(partial(_items, sees)) for sees in (True, False)}


def _by_status(rows: list[tuple[Any, ...]]) -> Sums:
    """By status; `""` holds all of them together."""
    names = list(_counted(anybody(may_approve=True)))
    found: Sums = {status: dict.fromkeys(names, 0) for status in ("", *OPEN)}
    for status, *numbers in rows:
        for name, number in zip(names, numbers, strict=True):
            found[status][name] = number
            found[""][name] += number
    return found
