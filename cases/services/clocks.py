"""The legal deadlines of a case, as rows."""

from collections.abc import Sequence

from django.conf import settings

from cases.actor import Actor
from cases.clocks import ccpa, gdpr
from cases.clocks.calendars import calendar
from cases.models import Action, Case, Clock, ClockKind
from cases.services import audit
from dsrportal import copying
from integrations.types import Regulation, RequestType


def start(cases: Sequence[Case], *, actor: Actor) -> list[Clock]:
    """Start the response clock of each from its `received_at`; with its event."""
    started = copying.insert(Clock, [_response(case) for case in cases])
    audit.record_many((_started(clock) for clock in started), actor=actor)
    return started


def _response(case: Case) -> Clock:
    """One month (GDPR Art. 12(3)), 45 days (11 CCR 7021(b)), or for an opt-out under the CCPA 15 business days
    (11 CCR 7026(f))."""
    if case.regulation == Regulation.GDPR:
        deadline = gdpr.response(
            case.received_at, zone=settings.GDPR_TIME_ZONE, calendar=calendar(settings.GDPR_CALENDAR)
        )
    elif case.type == RequestType.OPT_OUT:
        deadline = ccpa.opt_out(
            case.received_at, zone=settings.CCPA_TIME_ZONE, calendar=calendar(settings.CCPA_CALENDAR)
        )
    else:
        deadline = ccpa.response(case.received_at, zone=settings.CCPA_TIME_ZONE)
    return Clock(
        case=case,
        kind=ClockKind.RESPONSE,
        rule=deadline.rule,
        rule_version=deadline.rule_version,
        calendar_version=deadline.calendar,
        zone=deadline.zone,
        started_on=deadline.started_on,
        nominal_on=deadline.nominal_on,
        due_on=deadline.due_on,
        due_at=deadline.expires_at,
    )


def _started(clock: Clock) -> audit.Fact:
    return audit.Fact(
        Action.CLOCK_STARTED,
        clock.case,
        {
            "kind": str(clock.kind),
            "rule": clock.rule,
            "rule_version": clock.rule_version,
            "calendar": clock.calendar_version,
            "started_on": clock.started_on.isoformat(),
            "due_on": clock.due_on.isoformat(),
        },
    )
