"""The deadline that every rule returns, and the steps that all rules share."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Deadline:
    """One legal deadline. Dates are local to `zone`.

    `nominal_on` is the last day before any move to a working day, and so the last safe day. `due_on` is the last day
    the law gives. `expires_at` (UTC) is the first instant that is too late.
    """

    kind: str
    rule: str
    rule_version: str
    calendar: str
    started_on: date
    nominal_on: date
    due_on: date
    expires_at: datetime
    zone: str


def local_date(instant: datetime, zone: str) -> date:
    """The date of an aware instant in that zone. Raises ValueError for an instant without a zone."""
    if instant.utcoffset() is None:
        raise ValueError("An instant without a zone cannot start a legal clock.")
    return instant.astimezone(zone_info(zone)).date()


def end_of_day(day: date, zone: str) -> datetime:
    """The end of the last hour of that day (Regulation 1182/71 Art 3(2)), as the exclusive instant in UTC."""
    # Where clocks jump over midnight, the earlier offset (fold=0) gives the instant of the jump, which is right; where
    # midnight comes twice it gives the first, which is the end of the day before.
    midnight = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone_info(zone))
    return midnight.astimezone(UTC)


def zone_info(zone: str) -> ZoneInfo:
    """The IANA zone, or `ValueError`."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone named “{zone}”.") from None
