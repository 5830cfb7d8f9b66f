"""One round of asking for 80,000 requests in flight, in groups of 150: first nothing is new, then one in a hundred.

The budget is no limit here: what is measured is the work, the sandbox's on the same machine included.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from django.db import connection
from django.db.models import F, Max, Q
from django.utils import timezone

from cases.actor import Source
from cases.lifecycle import RequestStatus
from cases.models import Action, AuditEvent, ProcessorRequest
from dsrportal import queueing
from dsrportal.database.db_grants import as_owner
from integrations.models import Processor
from integrations.registry import connector_class
from integrations.sandbox.mparticle.lifecycle import expected_completion
from tests import builders
from tests.bench import journal, seed
from tests.bench.drain import UNLIMITED
from tests.bench.figure import Figure
from tests.bench.run import Run
from tests.bench.workers import until, working
from tests.sandbox import Sandbox

IN_FLIGHT, FEW = 80_000, 600
CALLS_GOAL = 540
NEWS_EVERY = 100
PATIENCE_SECONDS = 900
_HANDLED = re.compile(r"^GET /v3/\S+ \d+ ([\d.]+) ms$", re.MULTILINE)


@dataclass(frozen=True)
class Round:
    """`sandbox_seconds` are what the sandbox worked on its answers."""

    calls: int
    seconds: float
    sandbox_seconds: float

    def figure(self, what: str) -> Figure:
        local_ms = (self.seconds - self.sandbox_seconds) / self.calls * 1000
        return Figure(what, f"{self.seconds:.1f} s, {local_ms:.1f} ms a group")


def measure(run: Run) -> list[Figure]:
    """One round of each kind, however many are asked for."""
    count, directory = FEW if run.small else IN_FLIGHT, run.directory
    sandbox = Sandbox(directory / "reconciliation", "--workspace", "4503:key:secret")
    try:
        processor = _in_flight(sandbox.start(), count)
        with working(directory, ("worker default",)):
            quiet = _round(sandbox, processor)
            _verify(processor, count, moved=0)
            _hours_pass(processor)
            sandbox.advance(journal.SOON)
            news = _round(sandbox, processor)
            _verify(processor, count, moved=-(-count // NEWS_EVERY))
    finally:
        sandbox.stop()
    calls = max(quiet.calls, news.calls)
    return [
        quiet.figure(f"{count} in flight asked for, nothing new"),
        news.figure(f"  one in {NEWS_EVERY} with news"),
        Figure("  calls a round", f"{calls}", f"at most {CALLS_GOAL}", calls <= CALLS_GOAL),
    ]


def _in_flight(sandbox: Sandbox, count: int) -> Processor:
    """The same requests here and there: sent three hours ago, last heard of an hour later."""
    processor = builders.processor(sandbox, name="Reconciliation", limits=UNLIMITED)
    partners = sandbox.switches()["partners"]
    sandbox.stop()
    now = timezone.now()
    groups = seed.groups(
        processor,
        count,
        size=connector_class(processor.kind).group_size,
        partners=partners,
        sent_at=now - timedelta(hours=3),
        reported_at=now - timedelta(hours=2),
        reported_status="pending",
        expected_completion_at=now + timedelta(days=journal.EXPECTED_DAYS),
        expected_completion_raw=expected_completion(now, journal.EXPECTED_DAYS, "midnight"),
    )
    requests = chain.from_iterable(groups)
    journal.write(sandbox.data_dir, requests, received_at=now, soon_every=NEWS_EVERY)
    # As autovacuum would have by now.
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    sandbox.start()
    return processor


def _hours_pass(processor: Processor) -> None:
    hours = timedelta(hours=2)
    ProcessorRequest.objects.filter(processor=processor).update(reported_at=F("reported_at") - hours)
    processor.groups.update(asked_at=F("asked_at") - hours)


def _round(sandbox: Sandbox, processor: Processor) -> Round:
    """From the schedule's wake to the last word noted; the worker wakes successors as it needs them."""
    mine = ProcessorRequest.objects.filter(processor=processor)
    calls, logged, began = _calls(sandbox), len(sandbox.log()), timezone.now()
    queueing.wake("cases.jobs.report", processor.pk)
    unasked = Q(asked_at=None) | Q(asked_at__lt=began)
    until(
        lambda: (
            not processor.groups.filter(unasked).exists() and not mine.filter(reported_at__lt=began).exists()
        ),
        seconds=PATIENCE_SECONDS,
    )
    last = mine.aggregate(at=Max("reported_at"))["at"]
    return Round(
        calls=_calls(sandbox) - calls,
        seconds=(last - began).total_seconds(),
        sandbox_seconds=sum(map(float, _HANDLED.findall(sandbox.log()[logged:]))) / 1000,
    )


def _calls(sandbox: Sandbox) -> int:
    return sum(sandbox.state("none")["calls"].values())


def _verify(processor: Processor, count: int, *, moved: int) -> None:
    """A quick round that overlooked something would not count."""
    mine = ProcessorRequest.objects.filter(processor=processor)
    events = AuditEvent.objects.filter(
        processor=processor, action=Action.REQUEST_STATUS_CHANGED, source=Source.REPORT
    )
    found = {
        "moved": mine.filter(status=RequestStatus.IN_PROGRESS).count(),
        "events": events.count(),
        "neither": mine.exclude(status__in=[RequestStatus.PENDING, RequestStatus.IN_PROGRESS]).count(),
    }
    if found != {"moved": moved, "events": moved, "neither": 0}:
        raise RuntimeError(f"Of {count} asked for, {moved} with news: {found}.")
