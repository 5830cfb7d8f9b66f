"""Requests per second that the two lanes send to a sandbox that answers at once, without limits or callbacks."""

from pathlib import Path
from statistics import median

from django.db.models import Max
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.processors import concurrency
from integrations.models import Processor
from tests import builders
from tests.bench import seed
from tests.bench.figure import Figure
from tests.bench.run import Run
from tests.bench.workers import OUTGOING, log_of, until, working
from tests.sandbox import running_sandbox

REQUESTS, FEW = 500, 60
GOAL = 100
PATIENCE_SECONDS = 180
UNLIMITED = "100000000 calls in 60 s\n100000000 new requests in 24 h"


def measure(run: Run) -> list[Figure]:
    directory, count = run.directory, FEW if run.small else REQUESTS
    with running_sandbox(directory / "drain", "--workspace", "4501:key:secret") as sandbox:
        sandbox.switches(callbacks=False)
        processor = builders.processor(sandbox, name="Drain", limits=UNLIMITED)
        with working(directory, OUTGOING):
            # One round more than is counted: it fills caches and opens connections.
            rates = [_drain(directory, processor, count) for _ in range(run.rounds + 1)][1:]
    rate = median(rates)
    return [Figure("requests drained at 0 ms latency", f"{rate:.0f} a second", f"{GOAL}", rate >= GOAL)]


def _drain(directory: Path, processor: Processor, count: int) -> float:
    """Requests per second, from the first wake to the last request recorded as sent."""
    made = {request.pk for request in seed.requests(processor, count, status=RequestStatus.QUEUED)}
    mine = ProcessorRequest.objects.filter(pk__in=made)
    began = timezone.now()
    concurrency.wake(processor.pk)
    until(lambda: not mine.filter(status=RequestStatus.QUEUED).exists(), seconds=PATIENCE_SECONDS)
    if mine.filter(status=RequestStatus.PENDING, attempts=1).count() != count:
        said = log_of(directory).read_text(errors="replace")[-2000:]
        raise RuntimeError(f"Not every request became pending at once: {said}")
    last = mine.aggregate(at=Max("reported_at"))["at"]
    return float(count / (last - began).total_seconds())
