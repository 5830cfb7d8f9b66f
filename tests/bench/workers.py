"""The portal's workers and its schedule, as processes of their own."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rq import Worker

from cases.services.processors import concurrency
from dsrportal.queueing import store
from tests.bench.children import running

OUTGOING = ("worker outgoing",) * concurrency.LANES
EVERYONE = (*OUTGOING, "worker default", "schedule")
START_SECONDS = 60


@contextmanager
def working(directory: Path, commands: tuple[str, ...]) -> Iterator[None]:
    """These commands of manage.py at work; what they log goes to `worker.log`."""
    expected = sum(command.startswith("worker") for command in commands)
    programs = [[sys.executable, "manage.py", *command.split()] for command in commands]
    with running(*programs, log=log_of(directory)):
        until(lambda: len(Worker.all(connection=store())) >= expected, seconds=START_SECONDS)
        yield


def log_of(directory: Path) -> Path:
    return directory / "worker.log"


def until(holds: Callable[[], bool], *, seconds: float) -> None:
    stop_at = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > stop_at:
            raise RuntimeError("The workers did not come to an end.")
        time.sleep(0.1)
