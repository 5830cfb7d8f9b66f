"""Legal deadlines against worked examples, and against what must hold for all of them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.clocks import Calendar, Deadline, UnknownCalendar, calendar, ccpa, gdpr

# Among them zones whose clocks change at midnight (so that one midnight does not exist, or comes twice), zones with
# odd offsets and the two ends of the date line.
ZONES = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/Los_Angeles",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
]


def noon(day: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("received", "place", "nominal", "due", "extended_nominal", "extended_due"),
    [
        # a weekend after the ICO's own example of 3 September
        ("2026-09-03", "IE", "2026-10-03", "2026-10-05", "2026-12-03", "2026-12-03"),
        # no 31 September
        ("2026-08-31", "IE", "2026-09-30", "2026-09-30", "2026-11-30", "2026-11-30"),
        # 28, 29, 30 and 31 January share a due date, and differ when extended
        ("2026-01-28", "DE", "2026-02-28", "2026-03-02", "2026-04-28", "2026-04-28"),
        ("2026-01-29", "DE", "2026-02-28", "2026-03-02", "2026-04-29", "2026-04-29"),
        ("2026-01-30", "DE", "2026-02-28", "2026-03-02", "2026-04-30", "2026-04-30"),
        ("2026-01-31", "DE", "2026-02-28", "2026-03-02", "2026-04-30", "2026-04-30"),
        # Good Friday, weekend, Easter Monday
        ("2024-02-29", "DE", "2024-03-29", "2024-04-02", "2024-05-29", "2024-05-29"),
        # over the year's end, received on a Sunday
        ("2023-12-31", "DE", "2024-01-31", "2024-01-31", "2024-03-31", "2024-04-02"),
        # Christmas
        ("2026-11-25", "DE", "2026-12-25", "2026-12-28", "2027-02-25", "2027-02-25"),
        # Ascension Day, the day of the Bastille
        ("2026-04-14", "FR", "2026-05-14", "2026-05-15", "2026-07-14", "2026-07-15"),
        # a holiday of one Land: Epiphany in Bavaria, not in Berlin
        ("2025-12-06", "DE-BY", "2026-01-06", "2026-01-07", "2026-03-06", "2026-03-06"),
        ("2025-12-06", "DE-BE", "2026-01-06", "2026-01-06", "2026-03-06", "2026-03-06"),
    ],
)
def test_gdpr_months(
    received: str, place: str, nominal: str, due: str, extended_nominal: str, extended_due: str
) -> None:
    first = gdpr.response(noon(received), zone="Europe/Berlin", calendar=calendar(place))
    later = gdpr.extended_response(noon(received), zone="Europe/Berlin", calendar=calendar(place))

    assert (str(first.started_on), str(first.nominal_on), str(first.due_on)) == (received, nominal, due)
    assert (str(later.started_on), str(later.nominal_on), str(later.due_on)) == (
        received,
        extended_nominal,
        extended_due,
    )


@pytest.mark.parametrize(
    ("received_at", "zone", "started", "due", "expires_at"),
    [
        # still 28 February in Berlin; expires in summer time
        ("2026-02-28T22:30+00:00", "Europe/Berlin", "2026-02-28", "2026-03-30", "2026-03-30T22:00+00:00"),
        # an hour later it is March there
        ("2026-02-28T23:30+00:00", "Europe/Berlin", "2026-03-01", "2026-04-01", "2026-04-01T22:00+00:00"),
        # the nominal day is the Sunday on which summer time ends
        ("2026-09-25T12:00+00:00", "Europe/Berlin", "2026-09-25", "2026-10-26", "2026-10-26T23:00+00:00"),
    ],
)
def test_gdpr_counts_in_the_controllers_zone(
    received_at: str, zone: str, started: str, due: str, expires_at: str
) -> None:
    found = gdpr.response(datetime.fromisoformat(received_at), zone=zone, calendar=calendar("DE"))

    assert (str(found.started_on), str(found.due_on)) == (started, due)
    assert found.expires_at == datetime.fromisoformat(expires_at)
    assert found.expires_at.tzinfo is UTC


def test_ccpa_counts_in_the_business_zone() -> None:
    received_at = datetime.fromisoformat("2026-10-01T06:30+00:00")
    found = ccpa.response(received_at, zone="America/Los_Angeles")

    assert (found.started_on, found.due_on) == (date(2026, 9, 30), date(2026, 11, 14))
    assert found.expires_at == datetime(2026, 11, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("received", "ten_federal", "ten_state", "fifteen_federal", "fifteen_state", "days_45", "days_90"),
    [
        # day 45 is Presidents' Day, and stays
        ("2026-01-02", "2026-01-16", "2026-01-16", "2026-01-26", "2026-01-26", "2026-02-16", "2026-04-02"),
        # Cesar Chavez Day is California's alone
        ("2026-03-20", "2026-04-03", "2026-04-06", "2026-04-10", "2026-04-13", "2026-05-04", "2026-06-18"),
        # Thanksgiving, and in California the day after
        ("2026-11-20", "2026-12-07", "2026-12-08", "2026-12-14", "2026-12-15", "2027-01-04", "2027-02-18"),
        # over the year's end
        ("2026-12-18", "2027-01-05", "2027-01-05", "2027-01-12", "2027-01-12", "2027-02-01", "2027-03-18"),
    ],
)
def test_ccpa_days(
    received: str,
    ten_federal: str,
    ten_state: str,
    fifteen_federal: str,
    fifteen_state: str,
    days_45: str,
    days_90: str,
) -> None:
    zone = "America/Los_Angeles"
    at, federal, state = noon(received, zone), calendar("US-federal"), calendar("US-CA")

    assert str(ccpa.acknowledgement(at, zone=zone, calendar=federal).due_on) == ten_federal
    assert str(ccpa.acknowledgement(at, zone=zone, calendar=state).due_on) == ten_state
    assert str(ccpa.opt_out(at, zone=zone, calendar=federal).due_on) == fifteen_federal
    assert str(ccpa.opt_out(at, zone=zone, calendar=state).due_on) == fifteen_state
    assert str(ccpa.response(at, zone=zone).due_on) == days_45
    assert str(ccpa.extended_response(at, zone=zone).due_on) == days_90


def test_a_deadline_says_by_which_rule_and_calendar_it_was_computed() -> None:
    found = gdpr.response(noon("2026-09-03"), zone="Europe/Berlin", calendar=calendar("IE"))

    assert (found.kind, found.rule, found.zone) == ("response", "GDPR Art 12(3)", "Europe/Berlin")
    assert found.calendar.startswith("IE holidays-")
    assert found.rule_version


def test_a_reviewed_calendar_can_stand_in_for_the_library() -> None:
    reviewed = Calendar(name="IE", version="reviewed-2026-01", holidays=frozenset({date(2026, 10, 5)}))
    found = gdpr.response(noon("2026-09-03"), zone="Europe/Dublin", calendar=reviewed)

    assert (found.due_on, found.calendar) == (date(2026, 10, 6), "IE reviewed-2026-01")


def test_what_cannot_be_computed_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        gdpr.response(noon("2026-09-03").replace(tzinfo=None), zone="Europe/Berlin", calendar=calendar("DE"))
    with pytest.raises(ValueError, match="no time zone"):
        ccpa.response(noon("2026-09-03"), zone="Europe/Atlantis")
    with pytest.raises(UnknownCalendar, match="2099"):
        gdpr.response(noon("2099-09-03"), zone="Europe/Berlin", calendar=calendar("DE"))


@pytest.mark.parametrize("name", ["", "XX", "DE-XX", "US", "US-XX", "EU"])
def test_an_unknown_place_has_no_calendar(name: str) -> None:
    with pytest.raises(UnknownCalendar):
        calendar(name)


instants = st.datetimes(
    min_value=datetime.fromisoformat("2018-05-25"),
    max_value=datetime.fromisoformat("2060-12-31"),
    timezones=st.just(UTC),
)
zones = st.sampled_from(ZONES)
places = st.sampled_from(["DE", "DE-BY", "IE", "FR", "PL", "US-federal", "US-CA"]).map(calendar)


def assert_runs_to_the_end_of_the_day(found: Deadline) -> None:
    """The last microsecond belongs to the due day, and the instant of expiry does not."""
    last = (found.expires_at - timedelta(microseconds=1)).astimezone(ZoneInfo(found.zone))
    assert last.date() == found.due_on
    assert found.expires_at.astimezone(ZoneInfo(found.zone)).date() == found.due_on + timedelta(days=1)


@settings(deadline=None)  # the first example of a place loads its holidays
@given(received_at=instants, zone=zones, place=places)
def test_gdpr_always(received_at: datetime, zone: str, place: Calendar) -> None:
    first = gdpr.response(received_at, zone=zone, calendar=place)
    later = gdpr.extended_response(received_at, zone=zone, calendar=place)

    for found in (first, later):
        assert found.started_on == received_at.astimezone(ZoneInfo(zone)).date()
        assert found.started_on < found.nominal_on <= found.due_on
        assert found.due_on.weekday() < 5
        assert found.due_on not in place.holidays
        assert_runs_to_the_end_of_the_day(found)
    assert timedelta(28) <= first.nominal_on - first.started_on <= timedelta(31)
    assert timedelta(89) <= later.nominal_on - later.started_on <= timedelta(92)
    assert first.due_on < later.nominal_on


@settings(deadline=None)  # the first example of a place loads its holidays
@given(received_at=instants, zone=zones, place=places)
def test_ccpa_always(received_at: datetime, zone: str, place: Calendar) -> None:
    assert_runs_to_the_end_of_the_day(ccpa.response(received_at, zone=zone))
    assert_runs_to_the_end_of_the_day(ccpa.extended_response(received_at, zone=zone))
    for found, count in (
        (ccpa.acknowledgement(received_at, zone=zone, calendar=place), 10),
        (ccpa.opt_out(received_at, zone=zone, calendar=place), 15),
    ):
        assert place.is_working_day(found.due_on)
        days = (found.due_on - found.started_on).days
        counted = [found.started_on + timedelta(n) for n in range(1, days + 1)]
        assert sum(map(place.is_working_day, counted)) == count
        assert_runs_to_the_end_of_the_day(found)
