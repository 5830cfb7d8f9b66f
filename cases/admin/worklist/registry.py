"""All that the list of cases can be narrowed by, and the cases that an address means without being opened."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases.admin.worklist import order as list_order
from cases.admin.worklist import search
from cases.admin.worklist.conditions import (
    NOTHING,
    OPEN,
    OVERDUE,
    Asked,
    Asker,
    due_condition,
    of_closed,
    with_due_date,
)
from cases.admin.worklist.filters import Choice, Days, Filter, Flag
from cases.admin.worklist.offered import Words
from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services.planning import approval, suggestions
from cases.services.status import forecast, silent, whose_turn
from cases.services.status.trend import IN_TIME
from dsrportal.database.prepared import IsAnyOf
from integrations.types import Regulation, RequestType

DUE_WORDS: Final[dict[str, Words]] = {
    OVERDUE: _("Overdue"),
    "1": _("Within a day"),
    "3": _("Within 3 days"),
    "7": _("Within 7 days"),
    "30": _("Within 30 days"),
}


def _is_key(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 16


def _is_uuid(value: str) -> bool:
    try:
        return bool(UUID(value))
    except ValueError:
        return False


def _status_unless_asked(asked: Asked) -> Q:
    """Open cases, unless something else is asked for: who looks for a person wants all their cases."""
    if of_closed(asked):
        return Q(status=CaseStatus.CLOSED)
    return Q() if asked.get(search.PARAMETER) else Q(status__in=OPEN)


def _status_words(asked: Asked) -> Words:
    if of_closed(asked):
        return _("Closed")
    return _("Any") if asked.get(search.PARAMETER) else _("All open")


def _of_assignee(asker: Asker, value: str) -> Q:
    if value == "me":
        return Q(assignee=asker.user)
    return Q(assignee=None if value == "nobody" else int(value))


def _of_processor(_asker: Asker, value: str) -> Q:
    """Cases of which this processor was asked something that stands."""
    dropped = Q(status=RequestStatus.CANCELLED, queued_at__isnull=True)
    asked_of = ProcessorRequest.objects.filter(
        case=OuterRef("pk"), processor=UUID(value), replaced_by__isnull=True
    )
    return Q(Exists(asked_of.exclude(dropped)))


def _of_follow_up(asker: Asker, value: str) -> Q:
    """Deferred cases are out of the way until their day."""
    if value == "later":
        return Q(follow_up_on__gt=asker.today)
    return Q(follow_up_on=None) | Q(follow_up_on__lte=asker.today)


def _of_closing(_asker: Asker, value: str) -> Q:
    if value == "in_time":
        return Q(IN_TIME, status=CaseStatus.CLOSED)
    return Q(status=CaseStatus.CLOSED, closed_at__gte=F("due_at"))


def _approvable(asker: Asker) -> Q:
    """Of what waits for an approver, what this one may approve: never what they opened, verified or changed alone."""
    return approval.approvable_by(asker.user) if asker.may_approve else NOTHING


CHIPS: Final = (
    Flag(
        "stuck",
        _("No progress"),
        _("No progress for longer than the stage should take"),
        lambda asker: whose_turn.stuck(now=asker.now),
    ),
    Flag(
        "risk",
        _("At risk"),
        _("Likely to miss its legal deadline"),
        lambda asker: forecast.at_risk(now=asker.now),
        steady=False,
    ),
    Flag(
        "silent",
        _("No update"),
        _("Waiting for a processor that does not respond"),
        lambda asker: silent.waiting(now=asker.now),
        steady=False,
    ),
    Flag(
        "duplicate",
        _("Possible duplicates"),
        _("The same verified data subject makes the same request in another open case"),
        lambda _asker: suggestions.suggested(),
    ),
    Flag(
        "approval",
        _("Waiting for my approval"),
        _("Ready for your approval"),
        lambda asker: Case.objects.filter(_approvable(asker)),
        means=_approvable,
        personal=True,
        permission="cases.approve_case",
    ),
)
FOUND: Final = Choice(
    search.PARAMETER,
    _("Found by identifier"),
    lambda tables: tables.found,
    # The result of a search by identity, kept in the session: the address names it by a random word.
    lambda asker, _value: Q(IsAnyOf(F("subject"), asker.found)),
    accepts=bool,
    kept=False,
)
MENUS: Final = (
    Choice(
        "status",
        _("Status"),
        [*CaseStatus.choices, ("all", _("Open and closed"))],
        lambda _asker, value: Q() if value == "all" else Q(status=value),
        otherwise=_status_unless_asked,
        any_words=_status_words,
    ),
    Choice(
        "due",
        _("Due"),
        list(DUE_WORDS.items()),
        lambda asker, value: due_condition(value, now=asker.now),
    ),
    Choice(
        "assignee",
        _("Assignee"),
        # Whose cases: my own, nobody's, or those of one person who has some.
        lambda tables: [("me", _("Me")), ("nobody", _("No one")), *tables.assignees],
        _of_assignee,
        accepts=lambda value: value in {"me", "nobody"} or _is_key(value),
    ),
    Choice("type__exact", _("Type"), RequestType.choices, lambda _asker, value: Q(type=value), strict=True),
)
PANEL: Final = (
    Choice(
        "regulation__exact",
        _("Regulation"),
        Regulation.choices,
        lambda _asker, value: Q(regulation=value),
        strict=True,
    ),
    Choice(
        "processor",
        _("Processor"),
        lambda tables: [(str(each.pk), each.name) for each in tables.processors],
        _of_processor,
        accepts=_is_uuid,
        strict=True,
    ),
    Choice(
        "tag",
        _("Tag"),
        lambda tables: tables.tags,
        lambda _asker, value: Q(tags__name=value),
        accepts=lambda value: len(value) <= 40,
        strict=True,
    ),
    # Who asks for an outcome wants closed cases, so the status need not be said.
    Choice(
        "outcome",
        _("Outcome"),
        Outcome.choices,
        lambda _asker, value: Q(status=CaseStatus.CLOSED, outcome=value),
        strict=True,
    ),
    Choice("closed", _("Closed"), [("in_time", _("In time")), ("late", _("Late"))], _of_closing),
    Choice(
        "follow_up",
        _("Follow-up"),
        [("due", _("Not deferred, or due")), ("later", _("Deferred"))],
        _of_follow_up,
    ),
)
DAYS: Final = (
    Days("received", _("Received"), "received_at"),
    # By the legal date itself, as the list shows it: that has the zone of its clock.
    Days("due", _("Due date"), "due_on", dates=True),
    Days("closed", _("Closed on"), "closed_at"),
)
FILTERS: Final[tuple[Filter, ...]] = (*CHIPS, FOUND, *MENUS, *PANEL, *DAYS)
PARAMETERS: Final = frozenset(name for each in FILTERS for name in each.parameters)


def narrowed(asker: Asker, asked: Asked) -> QuerySet[Any]:
    """The cases that a list with these parameters holds, for whoever asks; in no order."""
    cases = with_due_date()
    for each in FILTERS:
        cases = cases.filter(each.condition(asker, asked))
    return cases.order_by()


Parameters = tuple[tuple[str, str], ...]


def parameters(asked: Asked) -> Parameters:
    """What of an address shapes the question for its list: the key to what is prepared for it."""
    names = (*PARAMETERS, list_order.PARAMETER)
    return tuple((name, asked[name]) for name in names if asked.get(name))


def is_steady(asked: Asked) -> bool:
    """Whether the question for this list can be prepared."""
    return all(each.steady for each in FILTERS if any(asked.get(name) for name in each.parameters))


def problems(asked: Asked) -> list[str]:
    return [problem for each in DAYS if (problem := each.problem(asked))]


def canonical(asked: Asked, *, search_too: bool = False) -> str:
    """The known parameters and the order, always written alike; what a search found only where it is asked for."""
    known = {
        name: value
        for each in FILTERS
        if each.kept
        for name in each.parameters
        if (value := asked.get(name, "")) and each.knows(name, value)
    }
    if (order := asked.get(list_order.PARAMETER, "")) in list_order.SORTS and order != "due":
        known[list_order.PARAMETER] = order
    if search_too and asked.get(search.PARAMETER):
        known[search.PARAMETER] = asked[search.PARAMETER]
    return urlencode(sorted(known.items()))
