"""Working days by place, from the `holidays` library, frozen with the version they came from.

Holiday libraries are not law. The version goes into every deadline, so that one computed last year can be explained;
a place whose list is reviewed by a lawyer can be given as a `Calendar` of its own dates.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from importlib import metadata

import holidays

# GDPR was adopted in 2016. Beyond the last year movable holidays are not computed; asking there is an error.
FIRST_YEAR = 2016
LAST_YEAR = 2075

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class UnknownCalendar(ValueError):
    """No calendar has this name, or it does not reach the day asked for."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The public holidays of one place. Whole days, without a zone."""

    name: str
    version: str
    holidays: frozenset[date] = field(repr=False)
    first_year: int = FIRST_YEAR
    last_year: int = LAST_YEAR

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def is_working_day(self, day: date) -> bool:
        """Neither Saturday, Sunday nor a public holiday (Regulation 1182/71 Art 2(2)).

        Raises UnknownCalendar for a year that the calendar does not cover.
        """
        if not self.first_year <= day.year <= self.last_year:
            raise UnknownCalendar(
                f"Calendar {self} covers {self.first_year} to {self.last_year}, not {day.year}."
            )
        return day.weekday() < _SATURDAY and day not in self.holidays

    def on_or_after(self, day: date) -> date:
        """That day if it is a working day, else the next one."""
        while not self.is_working_day(day):
            day += _ONE_DAY
        return day

    def after_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`; `day` itself is never counted."""
        while count > 0:
            day += _ONE_DAY
            count -= self.is_working_day(day)
        return day


@lru_cache(maxsize=64)
def calendar(name: str) -> Calendar:
    """The calendar of a place of action: a country (`IE`, `FR`), a subdivision (`DE-BY`, `US-CA`), or `US-federal`.

    A bare `DE` has only the holidays of all Länder; choose the Land where the action is taken.
    Raises UnknownCalendar for a name that has no holiday calendar.
    """
    country, _, subdivision = name.partition("-")
    if country == "US" and not subdivision:
        raise UnknownCalendar("“US” is not a place of action: say US-federal, or a state such as US-CA.")
    try:
        found = holidays.country_holidays(
            country,
            subdiv=None if name == "US-federal" or not subdivision else subdivision,
            years=range(FIRST_YEAR, LAST_YEAR + 1),
        )
    except NotImplementedError:
        raise UnknownCalendar(f"There is no holiday calendar named “{name}”.") from None
    return Calendar(name=name, version=f"holidays-{metadata.version('holidays')}", holidays=frozenset(found))
