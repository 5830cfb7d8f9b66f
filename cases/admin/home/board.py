"""The board: how much there is of what, what is due next, what needs a decision, and how the last weeks went.

Each figure is counted as the list that it links to is filtered, so that the two agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.home import board_chart
from cases.admin.home.counts import open_items
from cases.admin.home.task import MINE, open_tasks
from cases.admin.worklist.filters import OPEN, OVERDUE, due_condition, how_many, with_due_date
from cases.lifecycle import WHOSE_TURN, CaseStatus
from cases.services.planning import approval
from cases.services.status import forecast, silent, whose_turn

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
    """What of it this person may see."""
    may = request.user.has_perm
    context: dict[str, Any] = {}
    sums = _sums(request) if may("cases.view_case") else None
    groups = [_mine(request, sums), _deadlines(sums), _held_up(request, sums), _stages(sums)]
    context["groups"] = [group for group in groups if group.figures]
    if sums is not None:
        context["due_next"] = _due_next()
        context["trend"] = board_chart.recent()
    if may("cases.view_attentionitem"):
        items = open_items(request).select_related("case", "processor").order_by("opened_at")
        context["attention_items"] = items[:SHOWN]
    return context


Sums = dict[str, dict[str, int]]


def _sums(request: HttpRequest) -> Sums:
    """Of the open cases, by status, in one statement; `""` holds all of them together."""
    counts = {
        "all": Q(),
        "overdue": due_condition(OVERDUE),
        **{f"within_{days}": due_condition(days) for days in ("1", "3", "7")},
        "mine": Q(assignee=request.user.pk),
        "nobodys": Q(assignee=None),
        "mine_to_approve": approval.approvable_by(actor_of(request).user_id),
    }
    rows = (
        with_due_date()
        .filter(status__in=OPEN)
        .order_by()
        .values("status")
        .annotate(**{f"n_{name}": Count("pk", filter=wanted) for name, wanted in counts.items()})
    )
    found: Sums = {status: dict.fromkeys(counts, 0) for status in ("", *OPEN)}
    for row in rows:
        for name in counts:
            found[row["status"]][name] = row[f"n_{name}"]
            found[""][name] += row[f"n_{name}"]
    return found


def _cases(query: str) -> str:
    return f"{reverse('admin:cases_case_changelist')}?{query}"


def _mine(request: HttpRequest, sums: Sums | None) -> Group:
    may, figures = request.user.has_perm, []
    if sums is not None and may("cases.assign_case"):
        figures.append(
            Figure(
                _("My cases"),
                widgets.number(sums[""]["mine"]),
                _("assigned to me"),
                _cases("assignee=me"),
                "person",
            )
        )
    if sums is not None and may("cases.approve_case"):
        figures.append(
            Figure(
                _("For my approval"),
                widgets.number(sums[""]["mine_to_approve"]),
                _("that I may approve"),
                _cases("approval=1"),
                "check",
                tone="warn",
            )
        )
    if may("cases.view_manualtask") and may("cases.attest_manualtask"):
        tasks = open_tasks().filter(assignee=request.user.pk)
        address = f"{reverse('admin:cases_manualtask_changelist')}?whose={MINE}"
        figures.append(
            Figure(_("My tasks"), widgets.number(tasks.count()), _("to do by hand"), address, "task")
        )
    return Group("mine", _("Mine"), figures)


def _deadlines(sums: Sums | None) -> Group:
    if sums is None:
        return Group("deadlines", "", [])
    counted, now = sums[""], timezone.now()
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
                how_many(forecast.at_risk(now=now)),
                _("may miss their date"),
                _cases("risk=1"),
                "clock",
                tone="bad",
            ),
        ],
    )


def _held_up(request: HttpRequest, sums: Sums | None) -> Group:
    may, now = request.user.has_perm, timezone.now()
    figures = []
    if sums is not None:
        figures += [
            Figure(
                _("Unassigned"),
                widgets.number(sums[""]["nobodys"]),
                _("nobody’s yet"),
                _cases("assignee=nobody"),
                "people",
            ),
            Figure(
                _("Stuck"),
                how_many(whose_turn.stuck(now=now)),
                _("do not move"),
                _cases("stuck=1"),
                "pause",
                "warn",
            ),
        ]
    if may("cases.view_attentionitem"):
        address = f"{reverse('admin:cases_attentionitem_changelist')}?state=open"
        count = widgets.number(open_items(request).count())
        figures.append(Figure(_("Attention"), count, _("to be decided"), address, "attention", "bad"))
    figures += _silent(request)
    return Group("held-up", _("Held up"), figures)


def _silent(request: HttpRequest) -> Iterator[Figure]:
    """The processors for whoever may see them, and the cases that wait for them for whoever sees cases."""
    now = timezone.now()
    if request.user.has_perm("integrations.view_processor"):
        address = f"{reverse('admin:integrations_processor_changelist')}?silent=1"
        count = widgets.number(len(silent.silent(now=now)))
        yield Figure(_("Silent processors"), count, _("give no word"), address, "processors", "warn")
    elif request.user.has_perm("cases.view_case"):
        count = how_many(silent.waiting(now=now))
        yield Figure(_("Silent"), count, _("wait for a word"), _cases("silent=1"), "processors", "warn")


def _stages(sums: Sums | None) -> Group:
    stages = [
        Figure(
            CaseStatus(status).label,
            widgets.number(sums[status]["all"]),
            str(WHOSE_TURN[status]),
            _cases(f"status={status}"),
            "",
            status=status,
        )
        for status in OPEN
        if sums is not None
    ]
    return Group("stages", _("Whose turn"), stages)


def _due_next() -> list[dict[str, Any]]:
    cases = (
        with_due_date().filter(status__in=OPEN).select_related("assignee").order_by("due_at", "pk")[:SHOWN]
    )
    rows = []
    for case in cases:
        days = widgets.days_left(case.due_at)
        rows.append({"case": case, "words": widgets.days_in_words(days), "tone": widgets.due_tone(days)})
    return rows
