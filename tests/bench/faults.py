"""The fault run with a thousand requests: a portal of its own beside a sandbox, see tests/faults."""

import sys

from tests.bench.children import running
from tests.bench.figure import Figure
from tests.bench.run import Run

REQUESTS, FEW = 1000, 30
# Long enough for each kind of damage to be done.
CHAOS_SECONDS, SHORT_CHAOS_SECONDS = 120, 12
SECONDS = 600


def measure(run: Run) -> list[Figure]:
    """One run, whose table it prints itself. The time is mostly mParticle's budget: 13 calls a second."""
    count = FEW if run.small else REQUESTS
    chaos = SHORT_CHAOS_SECONDS if run.small else CHAOS_SECONDS
    options = {"requests": count, "chaos": chaos, "seconds": SECONDS}
    words = [f"--{name}={value}" for name, value in options.items()]
    with running([sys.executable, "-m", "tests.faults", *words]) as (process,):
        sound = process.wait() == 0
    what = "nothing lost, doubled or stuck" if sound else "not as it should be"
    return [Figure(f"fault run, {count} requests", what, "sound", sound, exact=True)]
