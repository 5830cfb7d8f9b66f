"""The exchange with a processor survives every fault we can produce. See `python -m tests.faults`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parent.parent.parent

# Patience for a machine that has other work: how fast it is, `python -m tests.bench --only faults` measures.
SECONDS = 400
PATIENCE_SECONDS = 540


@pytest.mark.skipif(sys.platform != "linux", reason="whom to kill is looked up in /proc")
def test_nothing_is_lost_doubled_or_stuck(capfd: pytest.CaptureFixture[str]) -> None:
    """200 requests, from the first approval until every one is answered."""
    command = [sys.executable, "-m", "tests.faults", "--requests", "200", "--seconds", str(SECONDS)]
    ran = subprocess.run(
        command,
        cwd=_REPOSITORY,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    with capfd.disabled():
        print(f"\n{ran.stdout}")
    assert ran.returncode == 0, "See above."
