"""The board: how much there is of what, what is due next, what needs a decision, and how the last weeks went.

Each figure is counted as the list that it links to is filtered, so that the two agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin import widgets
from cases.admin.home import board_chart
from cases.admin.home.counts import open_items
from cases.admin.home.task import MINE, open_tasks
from cases.admin.paging import CountUpTo
from cases.admin.worklist import chip_counts, registry
from cases.admin.worklist.conditions import (
    OPEN,
    OVERDUE,
    Asker,
    anybody,
    asker_of,
    capped,
    due_condition,
    with_due_date,
)
from cases.lifecycle import WHOSE_TURN, CaseStatus
from cases.models import AttentionItem, Case
from cases.services.planning import approval
from dsrportal.models import User
from dsrportal.prepared import Given, Prepared, ask

SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Figure:
    """One number and the list behind it. `tone` where it should be none: bad, or warn."""

    label: str | Promise
    count: str
    under: str
    address: str
    icon: str
    tone: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    figures: list[Figure]


def board(request: HttpRequest) -> dict[str, Any]:
    """What of it this person may see; all that is counted anew for each of them in one round trip."""
    may, asker = request.user.has_perm, asker_of(request, {})
    sees_cases, sees_items = may("cases.view_case"), may("cases.view_attentionitem")
    sums, due, counts, items = ask(
        (_SUMS if sees_cases else NO_ROWS).given(**asker.values),
        (_DUE_NEXT if sees_cases else NO_ROWS).given(),
        _COUNTS[sees_cases].given(user=asker.user),
        (_ITEMS[sees_cases] if sees_items else NO_ROWS).given(),
    )
    tasks, open_items = counts[0]
    known = Known(asker, _by_status(sums) if sees_cases else None, tasks, open_items)
    groups = [_mine(request, known), _deadlines(known), _held_up(request, known), _stages(known.sums)]
    context: dict[str, Any] = {"groups": [group for group in groups if group.figures]}
    if sees_cases:
        context["due_next"] = [_due_row(case, now=asker.now) for case in due]
        context["trend"] = board_chart.recent()
    if sees_items:
        context["attention_items"] = items
    return context


# --- what is asked

Sums = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Known:
    """What figures are made of; `sums` where this person sees cases."""

    asker: Asker
    sums: Sums | None
    tasks: int
    open_items: int


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
    return _open_cases().order_by().values_list("status").annotate(**counts)


def _counts(sees_cases: bool) -> QuerySet[Any, Any]:
    tasks = open_tasks().filter(assignee=Given("user")).values("pk")
    items = open_items(sees_cases=sees_cases).values("pk")
    return User.objects.filter(pk=Given("user")).values_list(CountUpTo(tasks), CountUpTo(items))


def _items(sees_cases: bool) -> QuerySet[AttentionItem]:
    items = open_items(sees_cases=sees_cases).select_related("case", "processor")
    return items.order_by("opened_at")[:SHOWN]


NO_ROWS: Final = Prepared[Any](Case.objects.none)
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


# --- the figures


def _cases(query: str) -> str:
    return f"{reverse('admin:cases_case_changelist')}?{query}"


def _mine(request: HttpRequest, known: Known) -> Group:
    may, figures = request.user.has_perm, []
    if known.sums is not None and may("cases.assign_case"):
        figures.append(
            Figure(
                _("My cases"),
                widgets.number(known.sums[""]["mine"]),
                _("assigned to me"),
                _cases("assignee=me"),
                "person",
            )
        )
    if known.sums is not None and may("cases.approve_case"):
        figures.append(
            Figure(
                _("For my approval"),
                widgets.number(known.sums[""]["mine_to_approve"]),
                _("that I may approve"),
                _cases("approval=1"),
                "check",
                tone="warn",
            )
        )
    if may("cases.view_manualtask") and may("cases.attest_manualtask"):
        address = f"{reverse('admin:cases_manualtask_changelist')}?whose={MINE}"
        figures.append(
            Figure(_("My tasks"), widgets.number(known.tasks), _("to do by hand"), address, "task")
        )
    return Group("mine", _("Mine"), figures)


def _deadlines(known: Known) -> Group:
    if known.sums is None:
        return Group("deadlines", "", [])
    counted = known.sums[""]
    of_open = _("of %(open)s open") % {"open": widgets.number(counted["all"])}
    return Group(
        "deadlines",
        _("Legal dates"),
        [
            Figure(
                _("Overdue"),
                widgets.number(counted["overdue"]),
                _("past their legal date"),
                _cases("due=overdue"),
                "attention",
                tone="bad",
            ),
            *(
                Figure(
                    ngettext("Due in %(days)d day", "Due in %(days)d days", days) % {"days": days},
                    widgets.number(counted[f"within_{days}"]),
                    of_open,
                    _cases(f"due={days}"),
                    "clock",
                    tone="warn",
                )
                for days in (1, 3, 7)
            ),
            Figure(
                _("At risk"),
                _behind_chip("risk", known.asker),
                _("may miss their date"),
                _cases("risk=1"),
                "clock",
                tone="bad",
            ),
        ],
    )


def _held_up(request: HttpRequest, known: Known) -> Group:
    may = request.user.has_perm
    figures = []
    if known.sums is not None:
        figures += [
            Figure(
                _("Unassigned"),
                widgets.number(known.sums[""]["nobodys"]),
                _("nobody’s yet"),
                _cases("assignee=nobody"),
                "people",
            ),
            Figure(
                _("Stuck"),
                _behind_chip("stuck", known.asker),
                _("do not move"),
                _cases("stuck=1"),
                "pause",
                "warn",
            ),
        ]
    if may("cases.view_attentionitem"):
        address = f"{reverse('admin:cases_attentionitem_changelist')}?state=open"
        count = widgets.number(known.open_items)
        figures.append(Figure(_("Attention"), count, _("to be decided"), address, "attention", "bad"))
    figures += _silent(request, known.asker)
    return Group("held-up", _("Held up"), figures)


def _silent(request: HttpRequest, asker: Asker) -> Iterator[Figure]:
    """The processors for whoever may see them, and the cases that wait for them for whoever sees cases."""
    if request.user.has_perm("integrations.view_processor"):
        address = f"{reverse('admin:integrations_processor_changelist')}?silent=1"
        count = widgets.number(chip_counts.silent_processors(now=asker.now))
        yield Figure(_("Silent processors"), count, _("give no word"), address, "processors", "warn")
    elif request.user.has_perm("cases.view_case"):
        count = _behind_chip("silent", asker)
        yield Figure(_("Silent"), count, _("wait for a word"), _cases("silent=1"), "processors", "warn")


def _behind_chip(name: str, asker: Asker) -> str:
    """The number that the chip of the list says too."""
    return capped(chip_counts.count(registry.CHIP_BY_NAME[name], asker))


def _stages(sums: Sums | None) -> Group:
    stages = [
        Figure(
            CaseStatus(status).label,
            widgets.number(sums[status]["all"]),
            str(WHOSE_TURN[status]).partition(": ")[0],
            _cases(f"status={status}"),
            "",
            status=status,
        )
        for status in OPEN
        if sums is not None
    ]
    return Group("stages", _("Whose turn"), stages)


def _due_row(case: Any, *, now: datetime) -> dict[str, Any]:
    days = widgets.days_left(case.due_at, now=now)
    return {"case": case, "words": widgets.days_in_words(days), "tone": widgets.due_tone(days)}
