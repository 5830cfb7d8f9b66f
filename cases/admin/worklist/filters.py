"""Filters of the list of cases as data: what each is called, what it may be set to, and the condition it means.

`registry` declares them, of three kinds: a `Choice` of several values, in a menu or in the panel “More filters”; a
`Flag`, which is a chip, on or off; and `Days`, from one to another.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.admin.worklist.conditions import NOTHING, Asked, Asker
from cases.admin.worklist.offered import Offered, Option, Words
from cases.models import Case
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2199
NO_LIMIT: Final = 10**9


@dataclass(frozen=True)
class Choice:
    """One of several values; `means` gives the condition of each that it knows.

    As of each kind: `kept` says whether it may be part of a view that is kept, `steady` whether the same value is a
    condition of the same shape each time, so that it can be prepared.
    """

    name: str
    title: Words
    options: Sequence[Option] | Callable[[Offered], Sequence[Option]]
    means: Callable[[Asker, str], Q]
    _: KW_ONLY
    kept: bool = True
    # What it knows, where that is more than its options.
    accepts: Callable[[str], bool] | None = None
    # Whether what it does not know finds nothing; else it is as if nothing were asked.
    strict: bool = False
    # What asking for nothing means, and what that is called.
    otherwise: Callable[[Asked], Q] = lambda _asked: Q()
    any_words: Callable[[Asked], Words] = lambda _asked: _("All")

    steady = True

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name,)

    def offered(self, tables: Offered) -> list[Option]:
        return list(self.options(tables) if callable(self.options) else self.options)

    def knows(self, name: str, value: str) -> bool:
        """Whether a view may keep this value."""
        return self.accepts(value) if self.accepts else value in dict(self.offered(Offered()))

    def condition(self, asker: Asker, asked: Asked) -> Q:
        """What the parameters of an address mean here; the list, its views and a case's neighbours share it."""
        value = asked.get(self.name, "")
        if value and self.knows(self.name, value):
            return self.means(asker, value)
        return NOTHING if value and self.strict else self.otherwise(asked)


@dataclass(frozen=True)
class Flag:
    """On or off; `cases` are those that it narrows to."""

    name: str
    title: Words
    # Why it is there, in a sentence.
    explained: Words
    cases: Callable[[Asker], QuerySet[Case]]
    _: KW_ONLY
    steady: bool = True
    # Whether each person has other cases behind it, and which right it takes to have any.
    personal: bool = False
    permission: str = "cases.view_case"
    # The same as a condition on the case itself, where it needs no rows of its own.
    means: Callable[[Asker], Q] | None = None

    kept = True

    @property
    def parameters(self) -> tuple[str, ...]:
        return (self.name,)

    def knows(self, name: str, value: str) -> bool:
        return value == "1"

    def condition(self, asker: Asker, asked: Asked) -> Q:
        if asked.get(self.name) != "1":
            return Q()
        if self.means:
            return self.means(asker)
        # With a limit PostgreSQL finds them once, instead of asking again for each row of the list.
        return Q(pk__in=self.cases(asker).values("pk")[:NO_LIMIT])


@dataclass(frozen=True)
class Days:
    """From one day to another, both included; either may be left out. What is no date finds nothing, and says so.

    `received` asks by `received_from` and `received_to`. The column holds instants, cut at midnights of whoever looks,
    unless `dates` says that it holds dates.
    """

    name: str
    title: Words
    column: str
    _: KW_ONLY
    dates: bool = False

    kept = steady = True

    @property
    def parameters(self) -> tuple[str, str]:
        return (f"{self.name}_from", f"{self.name}_to")

    def problem(self, asked: Asked) -> str:
        """What is wrong with what is asked for, in a sentence; "" where nothing is."""
        try:
            self.read(asked)
        except Refused as refused:
            return str(refused)
        return ""

    def knows(self, name: str, value: str) -> bool:
        return not self.problem({name: value})

    def condition(self, asker: Asker, asked: Asked) -> Q:
        try:
            first, last = self.read(asked)
        except Refused:
            return NOTHING
        found = Q()
        if first:
            found &= Q(**{f"{self.column}__gte": first if self.dates else _midnight(first)})
        if last and self.dates:
            found &= Q(**{f"{self.column}__lte": last})
        elif last:
            found &= Q(**{f"{self.column}__lt": _midnight(last + timedelta(days=1))})
        return found

    def read(self, asked: Asked) -> tuple[date | None, date | None]:
        """Both days. Raises Refused, with a sentence, for what is no date and for a first day after the last."""
        first, last = (self._day(asked.get(name, "")) for name in self.parameters)
        if first and last and first > last:
            raise Refused(
                Sentence(
                    "%(what)s: the first day is after the last day. No results are shown.", what=self.title
                )
            )
        return first, last

    def _day(self, typed: str) -> date | None:
        if not typed:
            return None
        try:
            day = date.fromisoformat(typed)
        except ValueError:
            day = None
        if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise Refused(
                Sentence(
                    "%(what)s: this is not a valid date. Enter one such as 2026-05-31. No results are shown.",
                    what=self.title,
                )
            )
        return day


def _midnight(day: date) -> datetime:
    """The beginning of a day in the zone of who looks."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


Filter = Choice | Flag | Days
