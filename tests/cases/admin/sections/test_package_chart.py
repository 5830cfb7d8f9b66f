"""Events by month and kind: what is drawn adds up, and what cannot be drawn is in the table."""

from itertools import pairwise

import pytest

from cases.admin.sections.package_chart import HEIGHT, MOST_KINDS, WIDTH, chart, table

Events = list[tuple[str, str, int]]

YEAR: Events = [("screen_view", f"2025-{month:02}", month) for month in range(1, 13)]


def test_a_bar_is_as_high_as_its_number_and_stands_on_the_one_below() -> None:
    drawn = chart([("a", "2026-01", 30), ("b", "2026-01", 10), ("a", "2026-02", 20)])
    assert drawn is not None
    ground = drawn.bottom
    first, above, second = drawn.bars
    assert float(first.y) + float(first.height) == pytest.approx(ground)
    assert float(above.y) + float(above.height) == pytest.approx(float(first.y))
    assert float(first.height) == pytest.approx(1.5 * float(second.height), abs=0.2)
    assert [bar.title for bar in drawn.bars] == ["Jan 2026, a: 30", "Jan 2026, b: 10", "Feb 2026, a: 20"]
    assert drawn.sentence == "Events by type, from Jan 2026 to Feb 2026: 60 in total."
    assert drawn.legend == [(1, "a", 50), (2, "b", 10)]


def test_months_without_events_keep_their_place() -> None:
    drawn = chart([("a", "2025-11", 1), ("a", "2026-02", 1)])
    assert drawn is not None
    assert [mark.text for mark in drawn.columns] == ["Nov 2025", "Dec 2025", "Jan 2026", "Feb 2026"]
    assert [row[0] for row in table([("a", "2025-11", 1), ("a", "2026-02", 1)]).rows] == [
        "Nov 2025",
        "Feb 2026",
    ]


@pytest.mark.parametrize(
    "events",
    [
        YEAR,
        [("a", "2026-01", 1)],
        [("a", f"{year}-{month:02}", 999) for year in (2024, 2025) for month in range(1, 13)],
        [(f"kind {number}", "2026-01", 10**9 + number) for number in range(20)],
        [("a", "1970-01", 5), ("a", "2026-01", 5)],
        [("a", "0001-01", 5), ("a", "9999-12", 5), ("b", "2026-01", 0)],
    ],
)
def test_everything_lies_inside_the_drawing(events: Events) -> None:
    drawn = chart(events)
    assert drawn is not None
    for bar in drawn.bars:
        assert drawn.left <= float(bar.x) <= float(bar.x) + float(bar.width) <= WIDTH
        assert 0 <= float(bar.y) <= float(bar.y) + float(bar.height) <= HEIGHT
    assert 2 <= len(drawn.lines) <= 6
    places = [float(mark.at) for mark in drawn.columns]
    assert all(after - before >= 50 for before, after in pairwise(places))


def test_the_rarest_kinds_share_a_colour_and_have_columns_of_their_own_in_the_table() -> None:
    events = [(f"kind_{number}", "2026-01", 100 - number) for number in range(8)]
    drawn, told = chart(events), table(events)
    assert drawn is not None
    assert len(drawn.legend) == MOST_KINDS + 1
    assert drawn.legend[-1] == (MOST_KINDS + 1, "other types", 95 + 94 + 93)
    assert told.kinds == [f"kind {number}" for number in range(8)]
    assert told.rows == [("Jan 2026", [100 - number for number in range(8)], told.total)]


def test_many_years_are_told_by_year() -> None:
    events = [("a", f"{year}-06", 1) for year in range(2020, 2027)]
    drawn, told = chart(events), table(events)
    assert drawn is not None
    assert drawn.columns[0].text == "2020"
    assert [row[0] for row in told.rows] == [str(year) for year in range(2020, 2027)]
    assert told.total == 7


def test_what_has_no_date_is_in_the_table_alone() -> None:
    events = [("a", "", 4), ("", "2026-01", 2)]
    drawn, told = chart(events), table(events)
    assert drawn is not None
    assert "2 in total" in drawn.sentence
    assert told.rows == [("Jan 2026", [0, 2], 2), ("No date", [4, 0], 4)]
    assert told.kinds == ["a", "no type"]


def test_without_any_date_there_is_a_row_for_each_kind() -> None:
    """As of a processor that counts events over all time."""
    events = [("Login", "", 4), ("Purchase", "", 40)]
    assert chart(events) is None
    told = table(events)
    assert (told.has_dates, told.kinds, told.total) == (False, [], 44)
    assert told.rows == [("Purchase", [], 40), ("Login", [], 4)]
    assert chart([]) is None
    assert table([]).rows == []
