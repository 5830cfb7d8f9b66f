"""The deadlines of the CCPA and its regulations (Title 11 of the California Code of Regulations)."""

from datetime import date, datetime, timedelta

from cases.clocks.calendars import Calendar
from cases.clocks.deadline import Deadline, end_of_day, local_date

RULE_VERSION = "2026-01-01, 1"
# Calendar days need no calendar.
NO_CALENDAR = "none"


def response(received_at: datetime, *, zone: str) -> Deadline:
    """Delete, correct, know: 45 calendar days from receipt, never paused (11 CCR 7021(b), Civ. Code 1798.130)."""
    return _days_after(received_at, 45, kind="response", zone=zone)


def extended_response(received_at: datetime, *, zone: str) -> Deadline:
    """The one extension of 11 CCR 7021(b): at most 90 calendar days from receipt, with notice inside the first 45."""
    return _days_after(received_at, 90, kind="extended_response", zone=zone)


def acknowledgement(received_at: datetime, *, zone: str, calendar: Calendar) -> Deadline:
    """Confirm receipt and say what happens next: 10 business days (11 CCR 7021(a))."""
    return _business_days_after(
        received_at, 10, kind="acknowledgement", rule="11 CCR 7021(a)", zone=zone, calendar=calendar
    )


def opt_out(received_at: datetime, *, zone: str, calendar: Calendar) -> Deadline:
    """Stop selling and sharing: as soon as feasible, at most 15 business days (11 CCR 7026(f), 7027(g))."""
    return _business_days_after(
        received_at, 15, kind="opt_out", rule="11 CCR 7026(f)", zone=zone, calendar=calendar
    )


def _days_after(received_at: datetime, days: int, *, kind: str, zone: str) -> Deadline:
    started_on = local_date(received_at, zone)
    # Gov. Code 6800: exclude the first day, include the last. The same section would let a last day that is a holiday
    # move on; 7021(b) counts calendar days, so we do not take that day. Dates are added, never seconds: a period
    # across a change of clocks has the same number of days.
    due_on = started_on + timedelta(days=days)
    return _deadline(
        kind=kind,
        rule="11 CCR 7021(b)",
        calendar=NO_CALENDAR,
        started_on=started_on,
        due_on=due_on,
        zone=zone,
    )


def _business_days_after(
    received_at: datetime, count: int, *, kind: str, rule: str, zone: str, calendar: Calendar
) -> Deadline:
    started_on = local_date(received_at, zone)
    # The regulations do not define "business day". Civ. Code 9 would count Saturdays as well and give earlier dates,
    # practice does not: Monday to Friday without the holidays of the calendar. US-federal is the earlier, and so the
    # safer, of the two usual calendars.
    return _deadline(
        kind=kind,
        rule=rule,
        calendar=str(calendar),
        started_on=started_on,
        due_on=calendar.after_working_days(started_on, count),
        zone=zone,
    )


def _deadline(*, kind: str, rule: str, calendar: str, started_on: date, due_on: date, zone: str) -> Deadline:
    return Deadline(
        kind=kind,
        rule=rule,
        rule_version=RULE_VERSION,
        calendar=calendar,
        started_on=started_on,
        nominal_on=due_on,
        due_on=due_on,
        expires_at=end_of_day(due_on, zone),
        zone=zone,
    )
