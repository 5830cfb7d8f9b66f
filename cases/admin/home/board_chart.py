"""The last weeks drawn: bars for what came in and was closed, the share in time, and how long each type took.

The drawing is for the eye; beside it stands a table with every number, each a link to its cases.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from cases.admin import widgets
from cases.admin.charts import Bar, Mark, Scale, bar, units
from cases.services.status import trend
from cases.services.status.trend import Duration, Trend, Week
from integrations.types import RequestType

WIDTH: Final = 640
_LEFT, _RIGHT = 46, 6
# Two drawings over one row of weeks: what came and went, and below it the share in time.
_TOP, _GROUND = 10, 150
_SHARE_TOP, _SHARE_GROUND = 182, 232
HEIGHT: Final = 258


@dataclass(frozen=True, slots=True)
class Counted:
    """A number and the list that it counts."""

    number: str
    address: str


@dataclass(frozen=True, slots=True)
class WeekRow:
    days: str
    received: Counted
    closed: Counted
    in_time: Counted
    late: Counted
    share: str


@dataclass(frozen=True, slots=True)
class TypeRow:
    """`half` and `most` in words, and as widths of a hundred for the bar."""

    label: str
    closed: Counted
    half: str
    most: str
    half_width: str
    most_width: str


@dataclass(frozen=True, slots=True)
class Board:
    received: str
    closed: str
    share: str
    bars: list[Bar]
    lines: list[Mark]
    weeks: list[Mark]
    rows: list[WeekRow]
    types: list[TypeRow]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    names_at: int = HEIGHT - 8
    share_top: int = _SHARE_TOP
    share_ground: int = _SHARE_GROUND
    # Both sections as they stand on the board.
    chart: str = ""
    durations: str = ""


def recent() -> Board:
    zone = timezone.get_current_timezone()
    assert isinstance(zone, ZoneInfo)
    return _drawn(trend.recent(now=timezone.now(), zone=zone), get_language())


@lru_cache(maxsize=64)
def _drawn(found: Trend, _language: str | None) -> Board:
    """Drawn once for as long as the numbers are kept, in each zone that they were counted in, and each language."""
    closed, in_time = sum(week.closed for week in found.weeks), sum(week.in_time for week in found.weeks)
    most = max(max(week.received, week.closed) for week in found.weeks)
    scale = Scale.reaching(most, top=_TOP, ground=_GROUND)
    slot = (WIDTH - _LEFT - _RIGHT) / len(found.weeks)
    bars = [
        each
        for place, week in enumerate(found.weeks)
        for each in _bars(week, place * slot + _LEFT, slot, scale)
    ]
    board = Board(
        received=widgets.number(sum(week.received for week in found.weeks)),
        closed=widgets.number(closed),
        share=_percent(in_time / closed) if closed else "–",
        bars=bars,
        lines=scale.lines(),
        weeks=[
            Mark(units(_LEFT + slot * (place + 0.5)), date_format(week.first, "MONTH_DAY_FORMAT"))
            for place, week in enumerate(found.weeks)
            if (len(found.weeks) - 1 - place) % 2 == 0
        ],
        rows=[_row(week) for week in reversed(found.weeks)],
        types=_types(found.durations, found.weeks[0].first, found.weeks[-1].last),
    )
    chart, durations = (
        render_to_string(f"portal/home/{name}.html", {"trend": board}) for name in ("trend", "durations")
    )
    return replace(board, chart=mark_safe(chart), durations=mark_safe(durations))  # noqa: S308  (of templates)


def _bars(week: Week, left: float, slot: float, scale: Scale) -> list[Bar]:
    wide, row = slot * 0.32, _row(week)
    bars = []
    for css, count, x, counted, words in (
        ("bar-received", week.received, left + slot * 0.16, row.received, _("received")),
        ("bar-closed", week.closed, left + slot * 0.52, row.closed, _("closed")),
    ):
        if count:
            title = f"{row.days}: {counted.number} {words}"
            top = scale.at(count)
            bars.append(bar(css, x, wide, top=top, bottom=_GROUND, title=title, address=counted.address))
    if week.share is not None:
        title = _("%(days)s: %(share)s closed in time") % {"days": row.days, "share": row.share}
        x, wide = left + slot * 0.16, slot * 0.68
        edge = _SHARE_GROUND - (_SHARE_GROUND - _SHARE_TOP) * week.share
        for css, top, bottom, counted in (
            ("bar-late", _SHARE_TOP, edge, row.late),
            ("bar-in-time", edge, _SHARE_GROUND, row.in_time),
        ):
            bars.append(bar(css, x, wide, top=top, bottom=bottom, title=title, address=counted.address))
    return [each for each in bars if each.height != "0.0"]


def _row(week: Week) -> WeekRow:
    closed = _days("closed", week.first, week.last)
    return WeekRow(
        days=_span(week.first, week.last),
        received=Counted(
            widgets.number(week.received), _cases(status="all", **_days("received", week.first, week.last))
        ),
        closed=Counted(widgets.number(week.closed), _cases(status="closed", **closed)),
        in_time=Counted(widgets.number(week.in_time), _cases(status="closed", closed="in_time", **closed)),
        late=Counted(widgets.number(week.late), _cases(status="closed", closed="late", **closed)),
        share=_percent(week.share) if week.share is not None else "–",
    )


def _types(durations: tuple[Duration, ...], first: date, last: date) -> list[TypeRow]:
    longest = max((each.most for each in durations), default=timedelta(1)) or timedelta(1)
    return [
        TypeRow(
            label=str(RequestType(each.type).label),
            closed=Counted(
                widgets.number(each.closed),
                _cases(status="closed", type__exact=each.type, **_days("closed", first, last)),
            ),
            half=_took(each.half),
            most=_took(each.most),
            half_width=f"{100 * (each.half / longest):.1f}",
            most_width=f"{100 * (each.most / longest):.1f}",
        )
        for each in sorted(durations, key=lambda each: RequestType.values.index(each.type))
    ]


def _took(time: timedelta) -> str:
    days = time / timedelta(days=1)
    if days < 1:
        hours = max(1, round(time / timedelta(hours=1)))
        return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    whole = round(days)
    return ngettext("%(days)d day", "%(days)d days", whole) % {"days": whole}


def _span(first: date, last: date) -> str:
    begin = "d" if (first.month, first.year) == (last.month, last.year) else "MONTH_DAY_FORMAT"
    return f"{date_format(first, begin)} – {date_format(last, 'DATE_FORMAT')}"


def _days(name: str, first: date, last: date) -> dict[str, str]:
    return {f"{name}_from": first.isoformat(), f"{name}_to": last.isoformat()}


def _cases(**asked: str) -> str:
    return f"{reverse('admin:cases_case_changelist')}?{urlencode(sorted(asked.items()))}"


def _percent(share: float) -> str:
    """Rounded down where it is not whole: 99.9 % in time is not all."""
    return f"{int(share * 100)} %"
