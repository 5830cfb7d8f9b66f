"""Requests per second that the two lanes send to the sandbox, without a rate limit and without callbacks."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.models import Max
from django.utils import timezone
from rq import Worker

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services import lanes
from dsrportal.queueing import store
from integrations.models import Processor
from tests import builders
from tests.bench import seed
from tests.sandbox import Sandbox

_REPOSITORY = Path(__file__).resolve().parent.parent.parent

PATIENCE_SECONDS = 180
UNLIMITED = "100000000 calls in 60 s\n100000000 new requests in 24 h"


class Lanes:
    """A processor that is the sandbox, and the workers of the default set-up."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        self.directory = directory
        sandbox.switches(callbacks=False)
        self.processor: Processor = builders.processor(sandbox, workspace=1, limits=UNLIMITED)

    @contextmanager
    def working(self, workers: int = lanes.LANES) -> Iterator[None]:
        processes = [
            subprocess.Popen(
                [sys.executable, "manage.py", "worker", "outgoing"],
                cwd=_REPOSITORY,
                stdout=(self.directory / "worker.log").open("ab"),
                stderr=subprocess.STDOUT,
            )
            for _ in range(workers)
        ]
        try:
            _await(lambda: len(Worker.all(connection=store())) >= workers)
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(60)

    def drain(self, count: int) -> float:
        """Requests per second, from the first wake to the last request recorded as sent."""
        made = {request.pk for request in seed.requests(self.processor, count, status=RequestStatus.QUEUED)}
        mine = ProcessorRequest.objects.filter(pk__in=made)
        began = timezone.now()
        lanes.wake(self.processor.pk)
        _await(lambda: not ProcessorRequest.objects.filter(status=RequestStatus.QUEUED).exists())
        if mine.filter(status=RequestStatus.PENDING, attempts=1).count() != count:
            raise RuntimeError(f"Not every request became pending at once: {self.log()}")
        last = mine.aggregate(at=Max("reported_at"))["at"]
        return float(count / (last - began).total_seconds())

    def log(self) -> str:
        return (self.directory / "worker.log").read_text(errors="replace")[-2000:]


def _await(holds: Callable[[], bool]) -> None:
    stop_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > stop_at:
            raise RuntimeError("The workers did not come to an end.")
        time.sleep(0.1)
