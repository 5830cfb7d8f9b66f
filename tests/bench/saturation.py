"""How much of its budget one workspace uses where every answer takes 200 ms: mParticle's own limits, our usual share.

The sandbox enforces the whole of the limit meanwhile. What is sent while the budget ramps up is not counted.
"""

import time
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.processors import concurrency
from integrations.registry import connector_for
from integrations.types import Limit
from tests import builders
from tests.bench import seed
from tests.bench.figure import Figure
from tests.bench.workers import EVERYONE, until, working
from tests.sandbox import Sandbox, running_sandbox

LATENCY_MS = 200
RAMP_SECONDS = 70
COUNTED_SECONDS = 120
# More than can leave in both, so that the queue is never the limit.
RAMP_REQUESTS = 700
PATIENCE_SECONDS = 120
GOAL = 0.95


def measure(directory: Path, *, rounds: int, part: float) -> list[Figure]:
    """One round, however many are asked for: it takes more than three minutes."""
    with running_sandbox(directory / "saturation", "--workspace", "4502:key:secret") as sandbox:
        processor = builders.processor(sandbox, name="Saturation", limits="")
        budget = connector_for(processor).budget()
        sandbox.switches(
            callbacks=False,
            latency_ms=LATENCY_MS,
            call_window=_window(budget.calls),
            new_request_windows=[_window(limit) for limit in budget.new_requests],
        )
        full = budget.calls.count * processor.budget_share / 100 / budget.calls.seconds
        counted = round(COUNTED_SECONDS * part)
        count = RAMP_REQUESTS + round(full * counted)
        seed.requests(processor, count, status=RequestStatus.QUEUED)
        mine = ProcessorRequest.objects.filter(processor=processor)
        with working(directory, EVERYONE):
            ramped_at = timezone.now() + timedelta(seconds=RAMP_SECONDS)
            concurrency.wake(processor.pk)
            time.sleep(RAMP_SECONDS + counted)
            until(lambda: not mine.filter(status=RequestStatus.QUEUED).exists(), seconds=PATIENCE_SECONDS)
        ended_at = ramped_at + timedelta(seconds=counted)
        rate = mine.filter(reported_at__gt=ramped_at, reported_at__lte=ended_at).count() / counted
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
        Figure("  answers 429 by a sandbox that enforces it all", f"{refused}", "0", refused == 0),
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
