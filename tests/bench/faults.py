"""The fault run with a thousand requests: a portal of its own beside a sandbox, see tests/faults."""

import subprocess
import sys
from pathlib import Path

from tests.bench.figure import Figure

_REPOSITORY = Path(__file__).resolve().parent.parent.parent

REQUESTS = 1000
CHAOS_SECONDS = 120
SECONDS = 600


def measure(directory: Path, *, rounds: int, part: float) -> list[Figure]:
    """One run, whose table it prints itself. The time is mostly mParticle's budget: 13 calls a second."""
    count = round(REQUESTS * part)
    options = {"requests": count, "chaos": max(30, round(CHAOS_SECONDS * part)), "seconds": SECONDS}
    command = [
        sys.executable,
        "-m",
        "tests.faults",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    sound = subprocess.run(command, cwd=_REPOSITORY).returncode == 0
    what = "nothing lost, doubled or stuck" if sound else "not as it should be"
    return [Figure(f"fault run, {count} requests", what, "sound", sound)]
