"""Recovery: the time from the death of a sending worker until everything it held is recorded as sent."""

import os
import signal
import sys
from statistics import median

from django.db.models import Max
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.processors import concurrency
from dsrportal.serve.processes import wait_for_end
from integrations.models import Processor
from tests import builders
from tests.bench import seed
from tests.bench.children import running
from tests.bench.figure import Figure
from tests.bench.run import Run
from tests.bench.workers import log_of, until, working
from tests.faults import processes
from tests.sandbox import running_sandbox

LATENCY_MS = 200
REQUESTS = 120
# Killed once so many are sent: then its threads are in the midst of their batches.
SENT_BEFORE = 20
MOST_ROUNDS = 3
GOAL_SECONDS = 60
PATIENCE_SECONDS = 180
UNLIMITED = "100000000 calls in 60 s\n100000000 new requests in 24 h"


def measure(run: Run) -> list[Figure]:
    """Three rounds at most, of a minute each. A small run does not wait for the dead worker's leases to end."""
    with running_sandbox(run.directory / "recovery", "--workspace", "4504:key:secret") as sandbox:
        sandbox.switches(callbacks=False, latency_ms=LATENCY_MS)
        processor = builders.processor(sandbox, name="Recovery", limits=UNLIMITED)
        with working(run.directory, ("worker default", "schedule")):
            found = [_recover(run, processor) for _ in range(min(run.rounds, MOST_ROUNDS))]
        posts = sum(sandbox.state()["posts"].values())
    seconds, held = median(each[0] for each in found), sum(each[1] for each in found)
    if not held:
        raise RuntimeError("The killed worker held nothing, so nothing was measured.")
    slowest = max(each[0] for each in found)
    return [
        Figure("recovery after a kill", f"{seconds:.0f} s", f"{GOAL_SECONDS} s", slowest <= GOAL_SECONDS),
        Figure("the slowest", f"{slowest:.0f} s"),
        Figure("requests that were held", f"{held} ({posts} POSTs for {len(found) * REQUESTS})"),
    ]


def _recover(run: Run, processor: Processor) -> tuple[float, int]:
    """Seconds from the kill to the last of what was held, and how many were."""
    made = {request.pk for request in seed.requests(processor, REQUESTS, status=RequestStatus.QUEUED)}
    mine = ProcessorRequest.objects.filter(pk__in=made)
    worker = [sys.executable, "manage.py", "worker", "outgoing"]
    with running(worker, log=log_of(run.directory)) as (first,):
        concurrency.wake(processor.pk)
        until(
            lambda: mine.filter(status=RequestStatus.PENDING).count() >= SENT_BEFORE, seconds=PATIENCE_SECONDS
        )
        horses = processes.children(first.pid)
        killed_at = timezone.now()
        os.kill(first.pid, signal.SIGKILL)
        for horse in horses:
            wait_for_end(horse, 10)
        held = mine.filter(pk__in=list(mine.filter(lease_until__isnull=False).values_list("pk", flat=True)))
        if run.small:
            held.update(lease_until=killed_at)
            concurrency.wake(processor.pk)
        # As the supervisor does.
        with running(worker, log=log_of(run.directory)):
            until(lambda: not mine.filter(status=RequestStatus.QUEUED).exists(), seconds=PATIENCE_SECONDS)
    count, last = held.count(), held.aggregate(at=Max("sent_at"))["at"]
    return ((last - killed_at).total_seconds() if last else 0.0), count
