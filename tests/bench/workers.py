"""The portal's workers and its schedule, as processes of their own."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rq import Worker

from cases.services.processors import concurrency
from dsrportal.queueing import store

_REPOSITORY = Path(__file__).resolve().parent.parent.parent

OUTGOING = ("worker outgoing",) * concurrency.LANES
EVERYONE = (*OUTGOING, "worker default", "schedule")
START_SECONDS = 60


@contextmanager
def working(directory: Path, commands: tuple[str, ...]) -> Iterator[None]:
    """These commands of manage.py at work; what they log goes to `worker.log`."""
    with log_of(directory).open("ab") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "manage.py", *command.split()],
                cwd=_REPOSITORY,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            for command in commands
        ]
    try:
        expected = sum(command.startswith("worker") for command in commands)
        until(lambda: len(Worker.all(connection=store())) >= expected, seconds=START_SECONDS)
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def log_of(directory: Path) -> Path:
    return directory / "worker.log"


def until(holds: Callable[[], bool], *, seconds: float) -> None:
    stop_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > stop_at:
            raise RuntimeError("The workers did not come to an end.")
        time.sleep(0.1)
