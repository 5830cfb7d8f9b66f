"""Lanes: threads side by side, leases that outlast a call, budgets that end a lane, and what the sweep makes good."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import django_rq
import pytest
from django.db import IntegrityError
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest
from cases.services.dispatch import budget as send_budget
from cases.services.dispatch import dispatch, leases
from cases.services.processors import concurrency
from cases.services.refusal import Superseded
from cases.services.upkeep import sweeping
from dsrportal.queueing import LATER, store
from integrations.models import Processor, SendingPause
from integrations.registry import connector_for
from tests.builders import approved_case, processor
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def approve(count: int = 1) -> list[ProcessorRequest]:
    cases = [approved_case(identities=[("email", f"{uuid4().hex}@example.org")]).pk for _ in range(count)]
    return list(ProcessorRequest.objects.filter(case__in=cases).order_by("pk"))


def waiting() -> int:
    return int(django_rq.get_queue("outgoing").count)


def test_a_lane_works_with_several_threads_and_sends_each_request_once(
    target: Processor, sandbox: Sandbox
) -> None:
    approve(45)
    dispatch.run_lane(target.pk)
    assert ProcessorRequest.objects.filter(status=RequestStatus.PENDING, attempts=1).count() == 45
    assert set(sandbox.state()["posts"].values()) == {1}


def test_a_lease_is_renewed_before_a_call_that_it_might_not_outlast(target: Processor) -> None:
    approve()
    (request,) = leases.claim(target)
    assert request.lease_until is not None
    claimed_until = request.lease_until
    leases.renew(request)
    assert request.lease_until == claimed_until

    soon = timezone.now() + timedelta(seconds=5)
    request.lease_until = soon
    leases.renew(request)
    request.refresh_from_db()
    assert request.lease_until > soon + timedelta(seconds=leases.CALL_SECONDS)


def test_what_goes_wrong_here_with_one_request_stops_none_of_those_behind_it(
    target: Processor, owner_connection: Any
) -> None:
    approve(3)
    first = str(ProcessorRequest.objects.order_by("due_at", "pk").values_list("pk", flat=True)[0])
    table = "ALTER TABLE cases_processorrequest"
    owner_connection.execute(
        f"{table} ADD CONSTRAINT odd CHECK (status <> 'pending' OR subject_request_id <> '{first}')"
    )
    try:
        with pytest.raises(IntegrityError):
            dispatch.drain(target.pk)
        dispatch.drain(target.pk)
    finally:
        owner_connection.execute(f"{table} DROP CONSTRAINT odd")
    sent = ProcessorRequest.objects.filter(status=RequestStatus.PENDING)
    assert first not in {str(request.pk) for request in sent}
    assert sent.count() == 2


def test_a_lane_whose_lease_passed_on_sends_nothing_more(target: Processor, sandbox: Sandbox) -> None:
    approve()
    (mine,) = leases.claim(target)
    mine.lease_until = timezone.now()
    ProcessorRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (theirs,) = leases.claim(target)
    with pytest.raises(Superseded):
        leases.renew(mine)
    dispatch.act(connector_for(target), mine)
    assert sandbox.state()["requests"] == []
    theirs.refresh_from_db()
    assert theirs.lease_token is not None
    assert theirs.attempts == 2


def test_what_a_dead_worker_held_is_woken_by_the_sweep(target: Processor, sandbox: Sandbox) -> None:
    approve()
    leases.claim(target)
    store().flushdb()
    sweeping.sweep()
    assert waiting() == 0
    ProcessorRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweeping.sweep()
    assert waiting() == concurrency.LANES


def test_an_emptied_store_costs_time_only(target: Processor, sandbox: Sandbox) -> None:
    approve(3)
    store().flushdb()
    sweeping.sweep()
    assert waiting() == concurrency.LANES
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.filter(status=RequestStatus.PENDING).count() == 3


def test_a_used_up_budget_of_new_requests_ends_the_lane_and_wakes_it_in_time(sandbox: Sandbox) -> None:
    target = processor(sandbox, limits="2 new requests in 2 h", budget_share=100)
    approve(3)
    dispatch.drain(target.pk)
    stood = {row.pk: row.status for row in ProcessorRequest.objects.all()}
    assert sorted(stood.values()) == [RequestStatus.PENDING, RequestStatus.PENDING, RequestStatus.QUEUED]
    left = ProcessorRequest.objects.get(status=RequestStatus.QUEUED)
    # It did not lose its turn, nor count as attempted.
    assert (left.attempts, left.lease_token, left.next_attempt_at) == (0, None, None)
    assert store().zcard(LATER) == 1
    later: Any = store().zrange(LATER, 0, -1, withscores=True)
    ((_entry, due_at),) = later
    assert due_at > timezone.now().timestamp() + 3600


def test_cancels_go_out_while_new_requests_wait_for_their_budget(sandbox: Sandbox) -> None:
    target = processor(sandbox, limits="1 new requests in 2 h", budget_share=100)
    approve(2)
    dispatch.drain(target.pk)
    ProcessorRequest.objects.filter(status=RequestStatus.PENDING).update(cancel_requested_at=timezone.now())
    dispatch.drain(target.pk)
    sent = sandbox.state()["requests"]
    assert [row["status"] for row in sent] == ["cancelled"]


def test_counts_lost_with_the_store_are_brought_back_from_the_database(sandbox: Sandbox) -> None:
    target = processor(sandbox, limits="3 new requests in 2 h", budget_share=100)
    approve(2)
    dispatch.drain(target.pk)
    store().flushdb()
    approve(2)
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.filter(status=RequestStatus.PENDING).count() == 3
    assert sum(count for _at, count in send_budget.sent_lately(target)) == 3


def test_an_attempt_of_unknown_outcome_counts_as_sent(sandbox: Sandbox) -> None:
    target = processor(sandbox)
    approve()
    sandbox.faults([{"method": "POST", "fault": "reset_after"}])
    dispatch.drain(target.pk)
    assert sum(count for _at, count in send_budget.sent_lately(target)) == 1


def test_nothing_is_sent_while_everything_outgoing_is_paused(target: Processor, sandbox: Sandbox) -> None:
    approve()
    SendingPause.objects.update(paused_at=timezone.now(), paused_reason="maintenance")
    dispatch.drain(target.pk)
    sweeping.sweep()
    assert sandbox.state()["requests"] == []
    SendingPause.objects.update(paused_at=None, paused_reason="")
    dispatch.drain(target.pk)
    assert len(sandbox.state()["requests"]) == 1


@pytest.mark.parametrize(
    ("limits", "size"), [("1000 calls in 60 s", 10), ("100 calls in 60 s", 1), ("400 calls in 60 s", 6)]
)
def test_a_batch_is_no_larger_than_the_budget_lets_it_send_soon(
    target: Processor, limits: str, size: int
) -> None:
    target.limits = limits
    assert leases.batch_size(target) == size
