"""`python -m tests.bench`: how fast the portal is, on durable servers of its own, and whether that is fast enough.

Each bench is a module of its name, whose `measure` gives figures. Where two things are compared their rounds are
interleaved, and what is printed are medians, because the machine may have other work. It ends with 1 where a goal is
missed; a small run only where one is missed that holds on any machine.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from tests.bench.children import end_in_order
from tests.bench.figure import Figure
from tests.bench.portal import own_portal
from tests.bench.run import Run

# In this order, for all but the first share a database: the one that fills it comes last.
BENCHES = (
    "pages",
    "callbacks",
    "burst",
    "drain",
    "saturation",
    "recovery",
    "faults",
    "reconciliation",
    "imports",
)


def figures(run: Run, names: tuple[str, ...]) -> Iterator[tuple[str, Figure]]:
    """Each figure as it is found, with the name of its bench."""
    for name in names:
        print(f"\n{name}", flush=True)
        for figure in import_module(f"tests.bench.{name}").measure(run):
            print(f"  {figure}", flush=True)
            yield name, figure


def table(found: list[tuple[str, Figure]], machine: str) -> list[str]:
    """The rows of README.md's table, as of today."""
    command = ".venv/bin/python -m tests.bench --only"
    today = datetime.now(UTC).date().isoformat()
    return [figure.row(name, f"{command} {name}", today, machine) for name, figure in found]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES)
    parser.add_argument("--rounds", type=int, default=9, help="of what is compared")
    parser.add_argument("--small", action="store_true", help="little of everything, to see that it works")
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="whose pages are measured in turns with ours"
    )
    options = parser.parse_args()
    end_in_order()
    with own_portal() as directory:
        from tests.bench import machine

        rounds = 1 if options.small else options.rounds
        beside = options.beside.resolve(strict=True) if options.beside else None
        here = machine.in_words(directory)
        print(here)
        if options.small:
            print("A small run: it shows that the benches work, not how fast the portal is.")
        run = Run(directory, rounds, small=options.small, beside=beside)
        found = list(figures(run, (options.only,) if options.only else BENCHES))
        if not options.small:
            print("\nFor the table in tests/bench/README.md:", *table(found, here), sep="\n")
    missed = [
        figure for _name, figure in found if figure.met is False and (figure.exact or not options.small)
    ]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
