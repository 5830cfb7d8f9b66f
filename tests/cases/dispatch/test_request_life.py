"""Any interleaving of answers, callbacks, reports, cancels, kills and retries ends in the state that the processor
reports, and on the way there no request moves backwards.

A fixed choice of sequences in the suite. To look for new ones:

    LIFE_EXAMPLES=1000 pytest tests/cases/dispatch/test_request_life.py
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.db.models import F
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cases.lifecycle import (
    FINISHED,
    REPORTED_MOVES,
    REQUEST_MOVES,
    RequestState,
    RequestStatus,
    derive_status,
)
from cases.models import Action, AttentionItem, AuditChain, AuditEvent, Case, ProcessorRequest
from cases.services import attention, audit
from cases.services.dispatch import cancellation
from integrations.sandbox.faults import KINDS
from tests.cases.life import DAY, MINUTE, Life
from tests.integrations.sandbox.receiver import Receiver, running_receiver
from tests.sandbox import Sandbox

# Each life drawn afresh: as it comes, hypothesis makes most of so few by repeating parts of the ones before.
AVAILABLE_PROVIDERS["afresh"] = "hypothesis.internal.conjecture.providers.HypothesisProvider"

# Of a few that were tried, the one that leads into the most corners.
SEED = 13
MOST_CASES = 4
POSITIONS = st.integers(0, 11)
RANK: dict[str, int] = {
    RequestStatus.PLANNED: 0,
    RequestStatus.QUEUED: 1,
    # Our opinion only: a retry puts it back in the queue, and any word from outside overrides it.
    RequestStatus.FAILED: 1,
    RequestStatus.PENDING: 2,
    RequestStatus.IN_PROGRESS: 3,
    RequestStatus.COMPLETED: 4,
    RequestStatus.CANCELLED: 4,
}
# What befalls one of the next calls: what, before or after it was processed, and how many times.
Fault = tuple[str, bool, int] | None
FAULTS = st.none() | st.tuples(st.sampled_from(KINDS), st.booleans(), st.integers(1, 2))


class RequestLife(RuleBasedStateMachine):
    """Whether a step may be taken never hangs on what the portal holds, which time and chance have a part in."""

    sandbox: ClassVar[Sandbox]
    receiver: ClassVar[Receiver]

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Any] = []
        self.open_items: list[AttentionItem] = []
        self.ordered = False
        # What the trail has told so far: the status of each request, and up to where it was read and verified.
        self.reached: dict[str, str] = {}
        self.last_event = 0
        self.verified: dict[str, int] = {}

    @initialize(
        type=st.sampled_from(["erasure", "access"]),
        cancel_status=st.sampled_from([202, 200, 204]),
        cancel_late_status=st.sampled_from([400, 409]),
        uses_in_progress=st.booleans(),
        error_envelope=st.sampled_from(["flat", "nested"]),
        extensions_shape=st.sampled_from(["distribution_status", "null"]),
    )
    def begin(self, type: str, **switches: Any) -> None:
        self.life = Life(self.sandbox, self.receiver, **switches)
        self.approve(type=type, person=0, second_address=False, skip=False)

    # People.

    @precondition(lambda self: len(self.life.cases) < MOST_CASES)
    @rule(
        type=st.sampled_from(["erasure", "access"]),
        person=st.integers(0, 2),
        second_address=st.booleans(),
        skip=st.booleans(),
    )
    def approve(self, type: str, person: int, second_address: bool, skip: bool) -> None:
        addresses = [f"person{person}@example.org", f"person{person}@example.com"][: 1 + second_address]
        self.life.approve(type, addresses, skip_waiting_period=skip and type == "erasure")

    @rule(what=st.sampled_from(["cancel", "retry", "release", "settle what is open"]), position=POSITIONS)
    def person_decides(self, what: str, position: int) -> None:
        """What was never tried is cancelled at once, and that would be the end of most lives."""
        if what == "cancel":
            if tried := self.tried():
                self.life.cancel(tried[position % len(tried)])
        elif what == "retry":
            for case in self.life.cases:
                self.life.retry(case)
        elif what == "release":
            self.life.release(self.life.cases[position % len(self.life.cases)])
        else:
            for item in AttentionItem.objects.filter(case__isnull=False, resolved_at=None).order_by("pk")[:1]:
                attention.resolve(item, actor=self.life.agent, resolution="decided")

    # Lanes and the schedule.

    @rule(much_later=st.booleans(), fault=FAULTS)
    def lane_works(self, much_later: bool, fault: Fault) -> None:
        """`much_later`: when waits and leases are over."""
        self.lies_ahead(fault)
        if much_later:
            self.life.time_passes()
        self.life.lane_works()

    @rule(much_later=st.booleans(), calls=st.booleans(), fault=FAULTS)
    def lane_stops(self, much_later: bool, calls: bool, fault: Fault) -> None:
        """Between claim and call, or between call and record; what becomes of its workers is another step."""
        self.lies_ahead(fault)
        if much_later:
            self.life.time_passes()
        for worker in self.life.lane_claims():
            if calls:
                self.life.worker_speaks(worker)

    @rule(
        position=POSITIONS,
        what=st.sampled_from(["calls", "goes on", "gives back", "is killed"]),
        fault=FAULTS,
    )
    def worker_comes_back(self, position: int, what: str, fault: Fault) -> None:
        workers = self.life.workers or self.life.lane_claims()
        if not workers:
            return
        worker = workers[position % len(workers)]
        self.lies_ahead(fault)
        if what == "calls" and worker.answer is None:
            self.life.worker_speaks(worker)
        elif what == "gives back":
            self.life.worker_gives_back(worker)
        elif what == "is killed":
            self.life.workers.clear()
        else:
            self.life.worker_goes_on(worker)

    @rule(much_later=st.booleans(), fault=FAULTS)
    def sweep(self, much_later: bool, fault: Fault) -> None:
        self.lies_ahead(fault)
        if much_later:
            self.life.time_passes()
        self.life.sweep()

    @rule(position=st.none() | POSITIONS, fault=FAULTS)
    def reports(self, position: int | None, fault: Fault) -> None:
        """Of all that is in flight, or because a person wants to know where one case stands."""
        self.lies_ahead(fault)
        if position is None:
            self.life.reports()
        else:
            self.life.person_asks(self.life.cases[position % len(self.life.cases)])

    @rule(
        what=st.sampled_from(
            ["credentials", "address", "budget", "one paused", "all paused", "store emptied"]
        ),
        meanwhile=st.sampled_from(["a lane works", "a worker goes on", "the sweep runs", "reports are due"]),
    )
    def something_is_wrong_for_a_while(self, what: str, meanwhile: str) -> None:
        self.life.goes_wrong(what)
        if meanwhile == "a lane works":
            self.life.lane_works()
        elif meanwhile == "a worker goes on" and self.life.workers:
            self.life.worker_goes_on(self.life.workers[0])
        elif meanwhile == "the sweep runs":
            self.life.time_passes()
            self.life.sweep()
        else:
            self.life.reports()
        self.life.put_right()

    # The vendor and the way from it.

    @rule(
        seconds=st.sampled_from([20 * MINUTE, DAY, 8 * DAY]),
        callbacks=st.sampled_from(["come", "come last first, and twice", "come later or never"]),
    )
    def vendor_moves_on(self, seconds: int, callbacks: str) -> None:
        earlier = len(self.life.pile)
        self.sandbox.advance(seconds)
        if callbacks == "come":
            while len(self.life.pile) > earlier:
                self.life.deliver(earlier)
        elif callbacks == "come last first, and twice":
            for position in reversed(range(earlier, len(self.life.pile))):
                self.life.deliver(position, again=True)
                self.life.deliver(position)

    @rule(position=POSITIONS, how=st.sampled_from(["once", "for the first time", "never"]))
    def callback_comes(self, position: int, how: str) -> None:
        if not self.life.pile:
            self.sandbox.advance(20 * MINUTE)
        if waiting := len(self.life.pile):
            if how == "never":
                self.life.pile.pop(position % waiting)
            else:
                self.life.deliver(position % waiting, again=how == "for the first time")

    # What holds at any time.

    @invariant()
    def all_is_well(self) -> None:
        self.rows = list(
            ProcessorRequest.objects.select_related("case", "group").annotate(
                package=F("result_package__state")
            )
        )
        self.open_items = list(
            AttentionItem.objects.filter(case__isnull=False, resolved_at=None).order_by("pk")
        )
        self.nothing_moves_backwards()
        self.trail_holds()
        self.rows_add_up()

    def nothing_moves_backwards(self) -> None:
        """By the trail, which has every move of the last step, and by what is stored after it."""
        events = AuditEvent.objects.filter(
            pk__gt=self.last_event, details__has_key="from", case__isnull=False
        )
        for key, action, details in events.order_by("case", "sequence").values_list(
            "pk", "action", "details"
        ):
            self.last_event = max(self.last_event, key)
            if "request" in details:
                self._moved(details["request"], details["from"], details["to"], action)
        assert {str(row.pk): row.status for row in self.rows} == self.reached

    def _moved(self, request: str, start: str, end: str, action: str) -> None:
        assert self.reached.get(request, RequestStatus.PLANNED) == start
        assert end in REQUEST_MOVES[start] | REPORTED_MOVES[start]
        assert RANK[end] >= RANK[start]
        if start == RequestStatus.FAILED and end == RequestStatus.QUEUED:
            assert action == Action.REQUEST_RETRIED
        self.reached[request] = end

    def trail_holds(self) -> None:
        """Every chain that has grown since it was looked at."""
        for name, sequence in AuditChain.objects.values_list("name", "sequence"):
            if self.verified.get(name) != sequence:
                assert audit.verify(name) == []
                self.verified[name] = sequence

    def rows_add_up(self) -> None:
        for row in self.rows:
            assert (row.lease_token is None) == (row.lease_until is None)
            assert row.answered_attempts <= row.attempts
            assert row.status not in FINISHED or row.cancel_requested_at is None
        if RequestStatus.FAILED in self.reached.values():
            # Refused there means that it is not there.
            there = {row["id"] for row in self.sandbox.state()["requests"]}
            assert not there & {key for key, status in self.reached.items() if status == RequestStatus.FAILED}
        by_case: dict[Case, list[RequestState]] = defaultdict(list)
        for row in self.rows:
            missing = row.case.type == "access" and row.status == RequestStatus.COMPLETED and not row.package
            by_case[row.case].append(RequestState(row.status, row.answer, result_missing=missing))
        in_need = {item.case_id for item in self.open_items}
        for case, states in by_case.items():
            assert case.status == derive_status(states, open_attention=case.pk in in_need)

    # The end.

    def teardown(self) -> None:
        if sys.exc_info()[0] is not None or not hasattr(self, "life"):
            return
        self.life.comes_to_rest()
        self.all_is_well()
        self.agrees_with_the_processor()
        # Whatever comes now, and in whatever order, is old.
        while self.life.pile:
            self.life.deliver(0)
        self.all_is_well()
        self.agrees_with_the_processor()

    def agrees_with_the_processor(self) -> None:
        """It forgets nothing in so short a time: what it was ever sent is there."""
        there = self.sandbox.state()["requests"]
        by_id = {row["id"]: row for row in there}
        ours = {str(row.pk): row for row in self.rows}
        assert len(by_id) == len(there)
        assert set(by_id) <= set(ours)
        for key, row in ours.items():
            assert row.status in FINISHED
            # One that never arrived can only have been cancelled.
            assert row.status == (by_id[key]["status"] if key in by_id else RequestStatus.CANCELLED)
            assert key not in by_id or by_id[key]["group_id"] == getattr(row.group, "name", None)

    def lies_ahead(self, fault: Fault) -> None:
        """Those ordered before and not met yet are no more."""
        if self.ordered:
            self.sandbox.clear_faults()
        self.ordered = fault is not None
        if fault is not None:
            kind, process, times = fault
            # Whoever is told to wait is told so before anything is done.
            process &= not kind.startswith("status_429")
            order = {"path": "/v3/requests*", "fault": kind, "process": process, "times": times}
            self.sandbox.faults([{**order, "seconds": 0.02}])

    def tried(self) -> list[Case]:
        """Cases of which something was claimed to be sent, and can be cancelled still."""
        tried = ProcessorRequest.objects.filter(attempts__gt=0, status__in=cancellation.CANCELLABLE)
        return list(Case.objects.filter(requests__in=tried).distinct().order_by("pk"))


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Stands at the portal's address and takes the callbacks in for later."""
    with running_receiver() as receiver:
        settings.PORTAL_BASE_URL = receiver.url.partition("/hooks")[0]
        yield receiver


def test_every_life_of_a_request_ends_as_the_processor_says(
    transactional_db: None, running: Sandbox, receiver: Receiver
) -> None:
    RequestLife.sandbox, RequestLife.receiver = running, receiver
    more = int(os.environ.get("LIFE_EXAMPLES", 0))
    run_state_machine_as_test(
        RequestLife if more else seed(SEED)(RequestLife),
        settings=settings(
            backend="afresh",
            max_examples=more or 24,
            stateful_step_count=25,
            database=None,
            deadline=None,
            # Without explaining what failed, which takes longer than all the rest.
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
