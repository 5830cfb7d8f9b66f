"""`python -m tests.bench`: how fast the portal is, on durable servers of its own, and whether that is fast enough.

Each bench is a module of its name, whose `measure` gives figures. Where two things are compared their rounds are
interleaved, and what is printed are medians, because the machine may have other work. It ends with 1 where a goal is
missed; a small run only where one is missed that holds on any machine.
"""

import argparse
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from tests.bench import document
from tests.bench.children import end_in_order
from tests.bench.figure import Figure
from tests.bench.portal import own_portal
from tests.bench.run import Run

ROUNDS = 9
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


def measured(run: Run, name: str, *, here: str, write: bool) -> list[Figure]:
    """The figures of one bench, printed; with `write`, in the document too."""
    print(f"\n{name}", flush=True)
    figures: list[Figure] = import_module(f"tests.bench.{name}").measure(run)
    for figure in figures:
        print(f"  {figure}", flush=True)
    if run.beside is None and not run.small:
        today = datetime.now(UTC).date().isoformat()
        options = f" --rounds {run.rounds}" if run.rounds != ROUNDS else ""
        rows = [document.row(name, figure, options=options, day=today, machine=here) for figure in figures]
        print(*rows, sep="", end="", flush=True)
        if write:
            text = document.README.read_text(encoding="utf-8")
            document.README.write_text(document.with_rows(text, rows, order=BENCHES), encoding="utf-8")
    return figures


def ordered() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHES)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of what is compared")
    parser.add_argument("--small", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--write", action="store_true", help="put the figures into tests/bench/README.md")
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="whose pages are measured in turns with ours"
    )
    options = parser.parse_args()
    if options.write and (options.small or options.beside):
        parser.error("What is written are the figures of a whole run, and ours alone.")
    return options


def main() -> int:
    options = ordered()
    end_in_order()
    beside = options.beside.resolve(strict=True) if options.beside else None
    with own_portal() as directory:
        from tests.bench import machine

        here = machine.in_words(directory)
        print(here)
        if options.small:
            print("A small run: it shows that the benches work, not how fast the portal is.")
        run = Run(directory, 1 if options.small else options.rounds, small=options.small, beside=beside)
        missed = [
            figure
            for name in ([options.only] if options.only else BENCHES)
            for figure in measured(run, name, here=here, write=options.write)
            if figure.met is False and (figure.exact or not options.small)
        ]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
