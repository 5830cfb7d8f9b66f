"""The legal deadlines of a case, as rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Min, Q

from cases.actor import Actor
from cases.clocks import ccpa, gdpr
from cases.clocks.calendars import calendar
from cases.clocks.deadline import Deadline
from cases.lifecycle import FINISHED
from cases.models import Action, Case, Clock, ClockKind, ManualTask, ProcessorRequest
from cases.services import audit
from dsrportal.database import bulk_insert
from integrations.types import Regulation, RequestType


def start(cases: Sequence[Case], *, actor: Actor) -> list[Clock]:
    """Start the response clock of each from its `received_at`; with its event."""
    started = bulk_insert.insert(
        Clock,
        [
            Clock(case=case, kind=ClockKind.RESPONSE, **_columns(_response(case, case.received_at)))
            for case in cases
        ],
    )
    audit.record_many(
        (audit.Fact(Action.CLOCK_STARTED, clock.case, _details(clock)) for clock in started), actor=actor
    )
    return started


def restart(case: Case, *, actor: Actor) -> None:
    """Count a locked case's response clock from the day the person first asked: in this case, or in one that was closed
    as its duplicate. What waits to be sent, and work by hand, is due with it. The same day changes nothing.
    """
    asked = Case.objects.filter(Q(pk=case.pk) | Q(duplicate_of=case.pk))
    first: datetime = asked.aggregate(first=Min("received_at"))["first"]
    clock = Clock.objects.get(case=case, kind=ClockKind.RESPONSE)
    deadline, due_before = _response(case, first), clock.due_on
    if deadline.started_on == clock.started_on:
        return
    for name, value in _columns(deadline).items():
        setattr(clock, name, value)
    clock.save()
    unfinished = ProcessorRequest.objects.filter(case=case).exclude(status__in=FINISHED)
    unfinished.update(due_at=clock.due_at)
    ManualTask.objects.filter(
        processor_request__case=case, attested_at__isnull=True, due_on__gt=clock.due_on
    ).update(due_on=clock.due_on)
    details = {**_details(clock), "due_before": due_before.isoformat()}
    audit.record(Action.CLOCK_RESTARTED, actor=actor, case=case, details=details)


def _response(case: Case, received_at: datetime) -> Deadline:
    """One month (GDPR Art. 12(3)), 45 days (11 CCR 7021(b)), or for an opt-out under the CCPA 15 business days
    (11 CCR 7026(f))."""
    if case.regulation == Regulation.GDPR:
        return gdpr.response(
            received_at, zone=settings.GDPR_TIME_ZONE, calendar=calendar(settings.GDPR_CALENDAR)
        )
    if case.type == RequestType.OPT_OUT:
        return ccpa.opt_out(
            received_at, zone=settings.CCPA_TIME_ZONE, calendar=calendar(settings.CCPA_CALENDAR)
        )
    return ccpa.response(received_at, zone=settings.CCPA_TIME_ZONE)


def _columns(deadline: Deadline) -> dict[str, Any]:
    return {
        "rule": deadline.rule,
        "rule_version": deadline.rule_version,
        "calendar_version": deadline.calendar,
        "zone": deadline.zone,
        "started_on": deadline.started_on,
        "nominal_on": deadline.nominal_on,
        "due_on": deadline.due_on,
        "due_at": deadline.expires_at,
    }


def _details(clock: Clock) -> audit.Details:
    return {
        "kind": str(clock.kind),
        "rule": clock.rule,
        "rule_version": clock.rule_version,
        "calendar": clock.calendar_version,
        "started_on": clock.started_on.isoformat(),
        "due_on": clock.due_on.isoformat(),
    }
