"""The table of figures in README.md: which command made each, on which day and machine."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figure import Figure

README = Path(__file__).with_name("README.md")
BEGIN = "| figure | command | day | machine | value |\n|---|---|---|---|---|\n"
COMMAND = ".venv/bin/python -m tests.bench --only"


def row(bench: str, figure: Figure, *, options: str = "", day: str, machine: str) -> str:
    """`options` are those of the command that make a figure another one."""
    value = figure.value + (f" (goal: {figure.goal})" if figure.met is not None else "")
    cells = (f"{bench}: {figure.what.strip()}", f"`{COMMAND} {bench}{options}`", day, machine, value)
    return "| " + " | ".join(cells) + " |\n"


def bench_of(line: str) -> str:
    """The bench whose row it is; empty where the line is no row."""
    found = re.match(r"\| (\w+): ", line)
    return found[1] if found else ""


def with_rows(text: str, rows: Sequence[str], *, order: Sequence[str]) -> str:
    """The document, with these rows in place of all that their benches had. Raises ValueError where it has no table."""
    before, begin, after = text.partition(BEGIN)
    if not begin:
        raise ValueError("The document has no table of figures.")
    lines = after.splitlines(keepends=True)
    old = [line for line in lines if bench_of(line)]
    made_anew = {bench_of(line) for line in rows}
    kept = [line for line in old if bench_of(line) not in made_anew]
    table = sorted([*kept, *rows], key=lambda line: order.index(bench_of(line)))
    return before + begin + "".join(table) + "".join(lines[len(old) :])
