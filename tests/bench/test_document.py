"""Every figure of the document says which command makes it, and when and where that was done."""

import re
from datetime import date
from importlib import import_module

from tests.bench.__main__ import BENCHES
from tests.bench.document import BEGIN, COMMAND, README, bench_of, row, with_rows
from tests.bench.figure import Figure

OLD = "| drain: requests | `command` | 2026-01-01 | a machine | 1 a second |\n"
TEXT = f"# Fast\n\n{BEGIN}{OLD}\nThe end.\n"


def rows() -> list[str]:
    _before, _begin, after = README.read_text().partition(BEGIN)
    return [line for line in after.splitlines() if bench_of(line)]


def test_every_bench_has_figures_that_its_own_command_makes() -> None:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows()]
    assert [len(each) for each in cells] == [5] * len(cells)
    benches = [figure.partition(":")[0] for figure, *_rest in cells]
    assert sorted(set(benches), key=BENCHES.index) == list(BENCHES)
    assert benches == sorted(benches, key=BENCHES.index)
    for bench, (_figure, command, day, machine, value) in zip(benches, cells, strict=True):
        assert re.fullmatch(rf"`{re.escape(COMMAND)} {bench}( --rounds \d+)?`", command)
        assert date.fromisoformat(day) <= date.max
        assert machine
        assert value


def test_every_bench_is_a_module_that_measures() -> None:
    assert [name for name in BENCHES if not callable(import_module(f"tests.bench.{name}").measure)] == []


def test_rows_made_anew_take_the_place_of_the_old() -> None:
    made = [row("drain", Figure("requests", "2 a second", "3", met=False), day="2026-02-01", machine="mine")]
    made += [row("pages", Figure("  queue", "9 ms"), day="2026-02-01", machine="mine")]
    text = with_rows(TEXT, made, order=BENCHES)
    assert text == f"# Fast\n\n{BEGIN}{made[1]}{made[0]}\nThe end.\n"
    assert made[0].endswith("| 2 a second (goal: 3) |\n")
    assert with_rows(TEXT, made[1:], order=BENCHES) == f"# Fast\n\n{BEGIN}{made[1]}{OLD}\nThe end.\n"
