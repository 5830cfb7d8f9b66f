"""The share of its budget that one workspace uses where every answer takes 200 ms, under mParticle's own limits.

The sandbox enforces the whole of the limit meanwhile. What is sent while the budget ramps up is not counted.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.processors import concurrency
from integrations.registry import connector_for
from integrations.types import Limit
from tests import builders
from tests.bench import seed
from tests.bench.figure import Figure
from tests.bench.run import Run
from tests.bench.workers import EVERYONE, until, working
from tests.sandbox import Sandbox, running_sandbox

LATENCY_MS = 200
PATIENCE_SECONDS = 120
GOAL = 0.95


@dataclass(frozen=True)
class Size:
    """The ramp is as long as the window of the calls. `spare` requests are more than can leave in it, so that the
    queue is never the limit."""

    limits: str
    ramp_seconds: int
    counted_seconds: int
    spare: int


# mParticle's own limits, and the same pace by a window of a tenth.
WHOLE = Size("", 70, 120, 700)
SMALL = Size("100 calls in 6 s\n100000 new requests in 24 h", 8, 4, 80)


def measure(run: Run) -> list[Figure]:
    """One round, however many are asked for: it takes more than three minutes."""
    directory, size = run.directory, SMALL if run.small else WHOLE
    with running_sandbox(directory / "saturation", "--workspace", "4502:key:secret") as sandbox:
        processor = builders.processor(sandbox, name="Saturation", limits=size.limits)
        budget = connector_for(processor).budget()
        sandbox.switches(
            callbacks=False,
            latency_ms=LATENCY_MS,
            call_window=_window(budget.calls),
            new_request_windows=[_window(limit) for limit in budget.new_requests],
        )
        full = budget.calls.count * processor.budget_share / 100 / budget.calls.seconds
        count = size.spare + round(full * size.counted_seconds)
        seed.requests(processor, count, status=RequestStatus.QUEUED)
        mine = ProcessorRequest.objects.filter(processor=processor)
        with working(directory, EVERYONE):
            ramped_at = timezone.now() + timedelta(seconds=size.ramp_seconds)
            concurrency.wake(processor.pk)
            time.sleep(size.ramp_seconds + size.counted_seconds)
            until(lambda: not mine.filter(status=RequestStatus.QUEUED).exists(), seconds=PATIENCE_SECONDS)
        ended_at = ramped_at + timedelta(seconds=size.counted_seconds)
        rate = (
            mine.filter(reported_at__gt=ramped_at, reported_at__lte=ended_at).count() / size.counted_seconds
        )
        if not mine.filter(reported_at__gt=ended_at).exists():
            raise RuntimeError("The queue was empty before the time was over.")
        taken, refused = _answers(sandbox)
    if taken != count:
        raise RuntimeError(f"Of {count} requests the sandbox has {taken}.")
    goal = full * GOAL
    return [
        Figure(
            f"requests drained at {LATENCY_MS} ms latency",
            f"{rate:.2f} of {full:.2f} a second",
            f"{goal:.2f}",
            rate >= goal,
        ),
        Figure(
            "  answers 429 by a sandbox that enforces it all", f"{refused}", "0", refused == 0, exact=True
        ),
    ]


def _window(limit: Limit) -> dict[str, int]:
    return {"limit": limit.count, "seconds": limit.seconds}


def _answers(sandbox: Sandbox) -> tuple[int, int]:
    """Requests it took, and calls it refused as too many."""
    calls: dict[str, int] = sandbox.state("none")["calls"]
    return (
        calls.get("POST /v3/requests 201", 0),
        sum(count for call, count in calls.items() if call.endswith(" 429")),
    )
