"""Columns of the list of cases. Each prepares what is the same in every row of a page, and writes the cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import widgets
from cases.admin.worklist import neighbours
from cases.lifecycle import CaseStatus, Outcome
from cases.models import ProcessorRequest
from cases.services.status import request_status_text
from cases.services.status.request_status_text import Turn
from dsrportal import dates
from integrations.types import Regulation, RequestType

MOST_MARKS: Final = 6

# A case with its due date, assignee, standing and standing requests: see CaseList.
Listed = Any
Cell = Callable[[Listed], str]


@dataclass(frozen=True, slots=True)
class Page:
    """What cells may depend on besides their case."""

    now: datetime
    # The word by which the session knows the list.
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """`cell` makes, for one page, what writes the HTML of a cell; what is put into it is escaped there."""

    name: str
    label: str | Promise
    cell: Callable[[Page], Cell]
    # The element of a cell: the heading of a row is its reference.
    tag: str = "td"


def _labels(choices: Sequence[tuple[str, Any]]) -> dict[str, str]:
    return {value: escape(str(label)) for value, label in choices}


def _tick(_page: Page) -> Cell:
    label = escape(_("Select %(reference)s"))

    def cell(case: Listed) -> str:
        words = label % {"reference": escape(case.reference)}
        return f'<input type="checkbox" name="case" value="{case.pk}" aria-label="{words}">'

    return cell


def _reference(page: Page) -> Cell:
    def cell(case: Listed) -> str:
        return f'<a href="{escape(neighbours.page_in(page.name, case.pk))}">{escape(case.reference)}</a>'

    return cell


def _type(_page: Page) -> Cell:
    labels = _labels(RequestType.choices)
    return lambda case: labels[case.type]


def _law(_page: Page) -> Cell:
    labels = _labels(Regulation.choices)
    return lambda case: labels[case.regulation]


def _status(_page: Page) -> Cell:
    badges = {status: widgets.case_badge(status) for status in CaseStatus.values}
    return lambda case: badges[case.status]


def _turn(page: Page) -> Cell:
    since, outcomes = escape(_("since %(when)s")), _labels(Outcome.choices)

    def cell(case: Listed) -> str:
        stands: Turn = case.standing
        # A closed case is nobody's turn: how it ended is what counts.
        closed = case.status == CaseStatus.CLOSED
        who = outcomes[case.outcome] if closed else escape(str(stands.turn))
        when = since % {"when": escape(request_status_text.when(stands.since, now=page.now))}
        return (
            f'<span class="turn" title="{escape(str(stands.sentence))}">'
            f'<span class="who">{who}</span><span class="since">{when}</span></span>'
        )

    return cell


def _assigned(_page: Page) -> Cell:
    nobody = '<span class="muted">–</span>'
    return lambda case: escape(case.assignee.get_username()) if case.assignee else nobody


def _due(page: Page) -> Cell:
    def cell(case: Listed) -> str:
        if case.due_at is None:
            return "–"
        due_on = dates.written(case.due_on)
        if case.status == CaseStatus.CLOSED:
            return f'<span class="due muted">{due_on}</span>'
        days = widgets.days_left(case.due_at, now=page.now)
        left = f'<span class="due-left">{escape(widgets.days_in_words(days))}</span>'
        return f'<span class="due due-{widgets.due_tone(days)}">{due_on}{left}</span>'

    return cell


def _answers(_page: Page) -> Cell:
    nobody, not_yet = escape(_("No requests")), escape(_("Not planned yet"))

    def cell(case: Listed) -> str:
        requests: list[ProcessorRequest] = case.standing_requests
        if not requests:
            words = nobody if case.status == CaseStatus.CLOSED else not_yet
            return f'<span class="muted" title="{words}">–</span>'
        shown = "".join(widgets.request_mark(request) for request in requests[:MOST_MARKS])
        more = f"+{len(requests) - MOST_MARKS}" if len(requests) > MOST_MARKS else ""
        return f'<span class="marks">{shown}{more}</span>'

    return cell


def _received(_page: Page) -> Cell:
    return lambda case: widgets.day(case.received_at)


COLUMNS: Final = (
    Column("reference", gettext_lazy("reference"), _reference, tag="th"),
    Column("type", gettext_lazy("type"), _type),
    Column("law", gettext_lazy("Regulation"), _law),
    Column("status_badge", gettext_lazy("Status"), _status),
    Column("turn", gettext_lazy("Waiting for"), _turn),
    Column("assigned", gettext_lazy("Assignee"), _assigned),
    Column("due", gettext_lazy("Due"), _due),
    Column("answers", gettext_lazy("Responses"), _answers),
    Column("received", gettext_lazy("Received"), _received),
)
# Before the others, for whoever may work on many at once.
TICK: Final = Column("tick", gettext_lazy("Select"), _tick)
