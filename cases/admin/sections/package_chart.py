"""Chart of the events in a result package, by month and kind, drawn here, with its table."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.admin import widgets
from cases.admin.charts import Bar, Mark, Scale, bar, units

Events = Sequence[tuple[str, str, int]]

# More months than this are told by year.
MOST_MONTHS: Final = 36
# Kinds with a colour of their own; the rest share the last.
MOST_KINDS: Final = 5
WIDTH: Final = 760
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 28
_WIDEST_BAR = 44


@dataclass(frozen=True, slots=True)
class Chart:
    sentence: str
    bars: list[Bar]
    lines: list[Mark]
    columns: list[Mark]
    legend: list[tuple[int, str, int]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class Table:
    """Every number there is: a row for each month (or year) and a column for each kind; a row a kind without dates."""

    kinds: list[str]
    rows: list[tuple[str, list[int], int]]
    total: int
    has_dates: bool = True


def kind_label(kind: str) -> str:
    """A kind as a person reads it; the vendor's word otherwise."""
    return kind.replace("_", " ") if kind else _("no type")


def table(events: Events) -> Table:
    kinds = _kinds(events)
    total = sum(count for _kind, _month, count in events)
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    periods, in_years = _periods(events)
    if not periods:
        totals = {kind: sum(count for each, _month, count in events if each == kind) for kind in kinds}
        return Table([], [(kind_label(kind), [], totals[kind]) for kind in kinds], total, has_dates=False)
    for kind, month, count in events:
        counted[_period(month, in_years)][kind] += count
    order = [*periods, ""] if "" in counted else periods
    rows = [
        (_named(period), [counted[period][kind] for kind in kinds], counted[period].total())
        for period in order
        if counted[period]
    ]
    return Table([kind_label(kind) for kind in kinds], rows, total)


def chart(events: Events) -> Chart | None:
    """None where no event has a date: then the table says all."""
    dated = [event for event in events if event[1]]
    periods, in_years = _periods(dated)
    if not periods:
        return None
    kinds = _kinds(dated)
    series = {kind: min(number, MOST_KINDS) for number, kind in enumerate(kinds)}
    counted: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for kind, month, count in dated:
        counted[_period(month, in_years)][series[kind]] += count
    names = [kind_label(kind) for kind in kinds[:MOST_KINDS]]
    names += [_("other types")] if len(kinds) > MOST_KINDS else []
    totals = [sum(counted[period][number] for period in periods) for number in range(len(names))]
    most = max(counted[period].total() for period in periods)
    scale = Scale.reaching(most, top=_TOP, ground=HEIGHT - _BOTTOM)
    return Chart(
        sentence=_("Events by type, from %(first)s to %(last)s: %(total)d in total.")
        % {"first": _named(periods[0]), "last": _named(periods[-1]), "total": sum(totals)},
        bars=_bars(periods, counted, names, scale),
        lines=scale.lines(),
        columns=_columns(periods),
        legend=[(number + 1, name, totals[number]) for number, name in enumerate(names)],
    )


def _bars(
    periods: list[str], counted: defaultdict[str, Counter[int]], names: list[str], scale: Scale
) -> list[Bar]:
    slot = (WIDTH - _LEFT - _RIGHT) / len(periods)
    width = min(_WIDEST_BAR, slot * 0.7)
    bars = []
    for place, period in enumerate(periods):
        reached = 0
        for number, name in enumerate(names):
            count = counted[period][number]
            if not count:
                continue
            bars.append(
                bar(
                    f"series-{number + 1}",
                    _LEFT + slot * place + (slot - width) / 2,
                    width,
                    top=scale.at(reached + count),
                    bottom=scale.at(reached),
                    title=f"{_named(period)}, {name}: {widgets.number(count)}",
                )
            )
            reached += count
    return bars


def _columns(periods: list[str]) -> list[Mark]:
    """Names below the columns, as many as have room."""
    slot = (WIDTH - _LEFT - _RIGHT) / len(periods)
    every = max(1, -(-62 // int(slot))) if slot < 62 else 1
    return [
        Mark(units(_LEFT + slot * (place + 0.5)), _named(period))
        for place, period in enumerate(periods)
        if place % every == 0
    ]


def _kinds(events: Events) -> list[str]:
    """The most frequent first."""
    totals: Counter[str] = Counter()
    for kind, _month, count in events:
        totals[kind] += count
    return [kind for kind, _count in sorted(totals.items(), key=lambda item: (-item[1], item[0]))]


def _periods(events: Events) -> tuple[list[str], bool]:
    """From the first to the last, those without events too; and whether they are years."""
    months = sorted({month for _kind, month, _count in events if month})
    if not months:
        return [], False
    first, last = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (months[0], months[-1]))
    if last - first < MOST_MONTHS:
        return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)], False
    # A date that is off by decades must not make a chart of a thousand columns.
    years = sorted({month[:4] for month in months})
    whole = [f"{year:04}" for year in range(int(years[0]), int(years[-1]) + 1)]
    return (whole if len(whole) <= MOST_MONTHS else years[-MOST_MONTHS:]), True


def _period(month: str, in_years: bool) -> str:
    return month[:4] if in_years else month


def _named(period: str) -> str:
    if not period:
        return _("No date")
    return (
        period
        if len(period) == 4
        else date_format(date(int(period[:4]), int(period[5:7]), 1), "YEAR_MONTH_FORMAT")
    )
