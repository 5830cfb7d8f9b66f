"""The deadlines of the GDPR, counted by Regulation (EEC, Euratom) 1182/71."""

from calendar import monthrange
from datetime import date, datetime

from cases.clocks.calendars import Calendar
from cases.clocks.deadline import Deadline, end_of_day, local_date

RULE = "GDPR Art 12(3)"
RULE_VERSION = "2016/679 by 1182/71, 1"


def response(received_at: datetime, *, zone: str, calendar: Calendar) -> Deadline:
    """When to have informed the person of the action taken: one month after receipt (Art 12(3), first sentence).

    `zone` is the controller's IANA zone, `calendar` that of the place where the action is taken. The notice of an
    extension, with its reasons, must go out within the same month.
    """
    return _months_after(received_at, 1, kind="response", zone=zone, calendar=calendar)


def extended_response(received_at: datetime, *, zone: str, calendar: Calendar) -> Deadline:
    """The same with the two further months of Art 12(3), second sentence: three months from receipt."""
    # Not two months from the first due date: that may already have been moved to a working day.
    return _months_after(received_at, 3, kind="extended_response", zone=zone, calendar=calendar)


def _months_after(
    received_at: datetime, months: int, *, kind: str, zone: str, calendar: Calendar
) -> Deadline:
    # Regulation 1182/71 Art 3(1): the day of the event is not counted. Which day that is, the local date says;
    # a receipt on a Sunday or holiday is a receipt.
    started_on = local_date(received_at, zone)
    nominal_on = add_months(started_on, months)
    # Art 3(4): a last day that is a public holiday, Sunday or Saturday gives way to the next working day,
    # by Art 2(1) of the Member State in which the action is to be taken.
    due_on = calendar.on_or_after(nominal_on)
    return Deadline(
        kind=kind,
        rule=RULE,
        rule_version=RULE_VERSION,
        calendar=str(calendar),
        started_on=started_on,
        nominal_on=nominal_on,
        due_on=due_on,
        # Art 3(2)(c): the period ends with the expiry of the last hour of that day.
        expires_at=end_of_day(due_on, zone),
        zone=zone,
    )


def add_months(day: date, months: int) -> date:
    """The same day of a later month; where that month has none, its last day."""
    # Art 3(2)(c): a period of months ends on the same date as the day from which it runs, and where the last month has
    # no such date, on the last day of that month. C-171/03 Toeters: that the first day is not counted does not move it.
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
