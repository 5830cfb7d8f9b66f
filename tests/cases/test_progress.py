"""Two last answers at once cannot miss each other: the case is settled, once, whoever comes first."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from cases.actor import CALLBACK
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AuditEvent, Case, ProcessorRequest
from cases.services import audit, progress
from cases.services.reports import reports
from cases.services.upkeep import sweeping
from integrations.types import Report, ReportedStatus
from tests.cases.vendor import Answered, Gate, delivery_of, status_events, statuses
from tests.servers import superuser

# The worst moment is held open by a test of its own; to race longer: PROGRESS_ROUNDS=500 pytest …
ROUNDS = int(os.environ.get("PROGRESS_ROUNDS", 20))


def at_once(*calls: Callable[[], Answered]) -> list[int]:
    """Let threads go together; the statuses they were answered with."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Answered]) -> int:
        barrier.wait(10)
        return call().status

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(60) for future in [pool.submit(run, call) for call in calls]]


def case_moves(case: Case) -> list[str]:
    events = AuditEvent.objects.filter(case=case, action="case.status_changed").order_by("sequence")
    return [event.details["to"] for event in events]


def pair(gate: Gate) -> tuple[Case, ProcessorRequest, ProcessorRequest]:
    case = gate.case()
    requests = {request.processor_id: request for request in ProcessorRequest.objects.filter(case=case)}
    return case, requests[gate.processor.pk], requests[gate.second.pk]


def test_two_last_answers_at_once_settle_the_case_every_time(gate: Gate) -> None:
    for _ in range(ROUNDS):
        case, one, other = pair(gate)
        bodies = gate.body(one), gate.body(other)
        answered = at_once(
            lambda bodies=bodies: gate.post(bodies[0]),  # type: ignore[misc]
            lambda bodies=bodies: gate.post(bodies[1], to=gate.second),  # type: ignore[misc]
        )
        assert answered == [202, 202]
        assert statuses(case) == (CaseStatus.REVIEW, [RequestStatus.COMPLETED] * 2)
        assert case_moves(case) == ["review"]
        assert audit.verify(f"case:{case.pk}") == []


def test_an_answer_waits_for_the_one_that_came_before_it(gate: Gate) -> None:
    """The same race with its worst moment held open: the first has settled and not yet committed."""
    case, one, other = pair(gate)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            with progress.locked_request(one.pk) as first:
                reports.apply(first, completed(one), actor=CALLBACK)
            second = pool.submit(gate.post, gate.body(other), to=gate.second)
            wait_until_somebody_waits()
            assert not second.done()
        assert second.result(30).status == 202
    assert statuses(case) == (CaseStatus.REVIEW, [RequestStatus.COMPLETED] * 2)
    assert case_moves(case) == ["review"]


def completed(request: ProcessorRequest) -> Report:
    return Report(request.pk, ReportedStatus.COMPLETED, "completed")


def wait_until_somebody_waits() -> None:
    """For the case's row itself: events queue for the head of their chain as well, but that is too late."""
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'tuple' AND relation = 'cases_case'::regclass"
    with superuser(connection.settings_dict["NAME"]) as looking:
        for _ in range(500):
            row = looking.execute(query).fetchone()
            if row and row[0]:
                return
            looking.execute("SELECT pg_sleep(0.01)")
    pytest.fail("Nobody waits for the case: its lock is not taken.")


def test_the_same_delivery_twice_at_once_is_one_delivery(gate: Gate) -> None:
    for _ in range(15):
        request = gate.request()
        body = gate.body(request)
        assert at_once(*[lambda body=body: gate.post(body)] * 2) == [202, 202]
        assert delivery_of(body).repeats == 1
        assert status_events(request) == ["queued", "completed"]


def test_bytes_for_nobody_twice_at_once_are_one_delivery(gate: Gate) -> None:
    """No case to wait for here: the delivery itself is what the second stumbles over."""
    for number in range(15):
        body = b"not JSON, number %d" % number
        assert at_once(*[lambda body=body: gate.post(body)] * 2) == [202, 202]
        assert delivery_of(body).repeats == 1


def test_an_older_and_a_newer_word_at_once_end_with_the_newer(gate: Gate) -> None:
    for _ in range(15):
        request = gate.answered_but()
        older, newer = gate.body(request, "in_progress"), gate.body(request, "completed")
        assert at_once(
            lambda older=older: gate.post(older),  # type: ignore[misc]
            lambda newer=newer: gate.post(newer),  # type: ignore[misc]
        ) == [202, 202]
        assert statuses(request.case)[0] == CaseStatus.REVIEW
        assert case_moves(request.case) == ["review"]
        assert status_events(request) in (["queued", "completed"], ["queued", "in_progress", "completed"])


def test_the_sweep_settles_what_disagrees(gate: Gate) -> None:
    """Whatever put it there: past the services, a case is made to say what its requests do not."""
    case, one, other = pair(gate)
    gate.post(gate.body(one))
    gate.post(gate.body(other), to=gate.second)
    Case.objects.filter(pk=case.pk).update(status=CaseStatus.WORKING)
    assert progress.disagreeing() == [case.pk]
    sweeping.sweep()
    assert statuses(case)[0] == CaseStatus.REVIEW
    assert progress.disagreeing() == []
