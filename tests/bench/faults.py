"""The fault run with a thousand requests: a portal of its own beside a sandbox, see tests/faults."""

import re
import sys

from tests.bench.children import running
from tests.bench.figure import Figure
from tests.bench.run import Run

REQUESTS, FEW = 1000, 15
CHAOS_SECONDS = 120
SECONDS = 600


def measure(run: Run) -> list[Figure]:
    """One run, whose table it prints itself. The time is mostly mParticle's budget: 13 calls a second.

    In a small one only calls go wrong: what a killed worker held is free after the best part of a minute.
    """
    count, chaos = (FEW, 0) if run.small else (REQUESTS, CHAOS_SECONDS)
    options = {"requests": count, "chaos": chaos, "seconds": SECONDS}
    words = [f"--{name}={value}" for name, value in options.items()]
    settled = ""
    with running([sys.executable, "-u", "-m", "tests.faults", *words], asked=True) as (process,):
        assert process.stdout
        for line in process.stdout:
            print(line.decode(), end="", flush=True)
            if found := re.match(rb"  all settled after +(\d+ s)", line):
                settled = f", {found[1].decode()} after the first approval"
        sound = process.wait() == 0
    what = "nothing lost, doubled or stuck" if sound else "not as it should be"
    return [Figure(f"fault run, {count} requests", what + settled, "sound", sound, exact=True)]
