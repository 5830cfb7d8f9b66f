"""The board: how much there is of what, what is due next, what needs a decision, and how the last weeks went.

Each figure is counted as the list that it links to is filtered, so that the two agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin import widgets
from cases.admin.home import board_chart, board_rows
from cases.admin.home.board_rows import Known, Sums
from cases.admin.home.task import MINE
from cases.admin.worklist.conditions import OPEN, capped
from cases.lifecycle import WHOSE_TURN, CaseStatus


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
    known = board_rows.look(request)
    groups = [_mine(request, known), _deadlines(known), _held_up(request, known), _stages(known.sums)]
    context: dict[str, Any] = {"groups": [group for group in groups if group.figures]}
    if known.sums is not None:
        context["due_next"] = [_due_row(case, now=known.now) for case in known.due_next]
        context["trend"] = board_chart.recent()
    if known.attention_items is not None:
        context["attention_items"] = known.attention_items
    return context


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
                _("Waiting for my approval"),
                widgets.number(known.sums[""]["mine_to_approve"]),
                _("that I can approve"),
                _cases("approval=1"),
                "check",
                tone="warn",
            )
        )
    if may("cases.view_manualtask") and may("cases.attest_manualtask"):
        address = f"{reverse('admin:cases_manualtask_changelist')}?whose={MINE}"
        figures.append(
            Figure(_("My tasks"), widgets.number(known.tasks), _("assigned to me"), address, "task")
        )
    return Group("mine", _("Mine"), figures)


def _deadlines(known: Known) -> Group:
    if known.sums is None:
        return Group("deadlines", "", [])
    counted = known.sums[""]
    of_open = _("of %(open)s open") % {"open": widgets.number(counted["all"])}
    return Group(
        "deadlines",
        _("Legal deadlines"),
        [
            Figure(
                _("Overdue"),
                widgets.number(counted["overdue"]),
                _("past their legal deadline"),
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
                capped(known.chips["risk"]),
                _("may miss their deadline"),
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
                _("not assigned yet"),
                _cases("assignee=nobody"),
                "people",
            ),
            Figure(
                _("No progress"),
                capped(known.chips["stuck"]),
                _("too long at the same stage"),
                _cases("stuck=1"),
                "pause",
                "warn",
            ),
        ]
    if may("cases.view_attentionitem"):
        address = f"{reverse('admin:cases_attentionitem_changelist')}?state=open"
        count = widgets.number(known.open_items)
        figures.append(
            Figure(_("Attention"), count, _("waiting for a decision"), address, "attention", "bad")
        )
    figures += _silent(known)
    return Group("held-up", _("Blocked"), figures)


def _silent(known: Known) -> Iterator[Figure]:
    """The processors for whoever may see them, and the cases that wait for them for whoever sees cases."""
    if known.silent_processors is not None:
        address = f"{reverse('admin:integrations_processor_changelist')}?silent=1"
        count = widgets.number(known.silent_processors)
        yield Figure(_("Processors not responding"), count, _("no update"), address, "processors", "warn")
    elif known.sums is not None:
        count = capped(known.chips["silent"])
        yield Figure(
            _("No update"), count, _("waiting for such a processor"), _cases("silent=1"), "processors", "warn"
        )


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
    return Group("stages", _("Waiting for"), stages)


def _due_row(case: Any, *, now: datetime) -> dict[str, Any]:
    days = widgets.days_left(case.due_at, now=now)
    return {"case": case, "words": widgets.days_in_words(days), "tone": widgets.due_tone(days)}
