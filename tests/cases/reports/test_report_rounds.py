"""A round of reports among others, and among failures: asks once, goes on, ends, waits, stops."""

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cases import jobs
from cases.lifecycle import RequestStatus
from cases.models import AttentionItem, AttentionKind, Case, ProcessorRequest
from cases.services.processors import accounts
from dsrportal.queueing import LATER, store
from integrations.models import Processor, SendingPause
from integrations.mparticle.connector import MParticle
from tests.builders import actor
from tests.cases.asking import TWO_WEEKS, calls, heard, later, sent
from tests.sandbox import Sandbox


@pytest.fixture
def groups_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MParticle, "group_size", 3)


def test_two_jobs_at_once_ask_once(target: Processor, sandbox: Sandbox, groups_of_three: None) -> None:
    sent(target, 12)
    sandbox.switches(latency_ms=50)
    before = calls(sandbox)
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        try:
            jobs.report(str(target.pk))
        finally:
            connection.close()

    with later(hours=2):
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert calls(sandbox) - before == 4


@pytest.mark.parametrize(("times", "asked"), [(1, 3 + 3), (None, 3 + 9)])
def test_of_a_group_whose_answer_cannot_be_read_each_is_asked_for_singly(
    target: Processor, sandbox: Sandbox, groups_of_three: None, times: int | None, asked: int
) -> None:
    case = sent(target, 9)
    sandbox.faults([{"method": "GET", "path": "/v3/requests", "fault": "malformed", "times": times}])
    before = calls(sandbox)
    with later(hours=2):
        jobs.report(str(target.pk))
        assert heard(case) == {True}
        assert calls(sandbox) - before == asked
        jobs.report(str(target.pk))
        assert calls(sandbox) - before == asked  # asked for a moment ago


def test_three_failures_in_a_row_end_the_round(
    target: Processor, sandbox: Sandbox, groups_of_three: None
) -> None:
    sent(target, 15)
    sandbox.faults([{"method": "GET", "fault": "status_502", "times": None}])
    with later(hours=2):
        jobs.report(str(target.pk))
    assert len(sandbox.state()["struck"]) == 3
    sandbox.clear_faults()
    with later(hours=2, seconds=5):
        before = calls(sandbox)
        jobs.report(str(target.pk))
        assert calls(sandbox) - before == 2  # those that were not reached; the three rest for a minute


def test_where_the_processor_says_not_now_the_rest_is_asked_for_later(
    target: Processor, sandbox: Sandbox, groups_of_three: None
) -> None:
    case = sent(target, 6)
    sandbox.faults([{"method": "GET", "fault": "status_429"}])
    with later(hours=2):
        jobs.report(str(target.pk))
        assert heard(case) == {False}
        assert store().zcard(LATER) == 1
    store().flushdb()  # the wait, over
    with later(hours=2, seconds=2):
        jobs.report(str(target.pk))
        assert heard(case) == {True}


def test_nothing_is_asked_while_a_processor_or_everything_is_paused(
    target: Processor, sandbox: Sandbox
) -> None:
    case = sent(target, 2)
    before = calls(sandbox)
    with later(hours=2):
        accounts.pause(target, actor=actor("agnes"), reason="by_hand")
        asked_anyhow(target, case)
        accounts.resume(target, actor=actor("agnes"))
        SendingPause.objects.update(paused_at=timezone.now(), paused_reason="by_hand")
        asked_anyhow(target, case)
        assert calls(sandbox) == before
        SendingPause.objects.update(paused_at=None, paused_reason="")
        asked_anyhow(target, case)
        assert calls(sandbox) > before


def asked_anyhow(target: Processor, case: Case) -> None:
    jobs.reports()
    jobs.report(str(target.pk))
    for request in case.requests.all():
        jobs.refresh(str(request.pk))


def test_another_workspace_that_answers_pauses_once_and_is_not_believed(
    target: Processor, sandbox: Sandbox
) -> None:
    case = sent(target, 3)
    sandbox.advance(TWO_WEEKS)
    sandbox.switches(controller_id="9999")
    with later(hours=2):
        jobs.report(str(target.pk))
    assert set(case.requests.values_list("status", flat=True)) == {RequestStatus.PENDING}
    assert AttentionItem.objects.get().kind == AttentionKind.ACCOUNT_MISMATCH


def test_a_request_in_another_hand_holds_the_others_up_in_nothing(
    target: Processor, sandbox: Sandbox
) -> None:
    sandbox.switches(extensions_shape="null")
    case = sent(target, 3)
    busy = case.requests.order_by("pk")[0]
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            ProcessorRequest.objects.select_for_update().get(pk=busy.pk)
            locked.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        locked.wait(30)
        with later(hours=2):
            jobs.report(str(target.pk))
            assert heard(case) == {True, False}
    finally:
        done.set()
        holder.join()
