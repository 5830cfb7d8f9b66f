"""Reports: where word is late, the processor is asked; a group in one call."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import jobs
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, ProcessorRequest, RequestGroup
from cases.services.dispatch import dispatch
from cases.services.refusal import Refused
from cases.services.reports import reconciling
from cases.services.upkeep import sweeping
from dsrportal.queueing import store
from integrations.models import Processor
from integrations.sandbox.switches import demo_partners
from tests.builders import actor, approved_case, ready_case
from tests.cases.asking import TWO_WEEKS, calls, heard, later, sent
from tests.sandbox import Sandbox


def test_a_lost_callback_is_made_good_by_a_report(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    sandbox.advance(TWO_WEEKS)
    asked = calls(sandbox)
    jobs.report(str(target.pk))
    assert calls(sandbox) == asked  # heard of a moment ago
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        jobs.report(str(target.pk))
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


def test_a_group_is_asked_for_in_one_call(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case(identities=[("email", "a@example.org"), ("email", "b@example.org")])
    dispatch.drain(target.pk)
    with later(hours=2):
        before = calls(sandbox)
        jobs.report(str(target.pk))
        assert calls(sandbox) - before == 1
        assert heard(case) == {True}


def test_a_group_of_150_without_news_is_one_call_and_a_handful_of_statements(
    target: Processor, sandbox: Sandbox
) -> None:
    sandbox.switches(partners=demo_partners()[:1])
    case = sent(target, 150)
    assert RequestGroup.objects.get().size == 150
    with later(hours=2):
        jobs.report(str(target.pk))  # tells of the partners, which is news of each
    with later(hours=4):
        before = calls(sandbox)
        with CaptureQueriesContext(connection) as captured:
            jobs.report(str(target.pk))
        assert calls(sandbox) - before == 1
        assert heard(case) == {True}
    verbs = [query["sql"].split()[0] for query in captured.captured_queries]
    # Groups due, groupless, disputed, contradicted by callback, the processor; then of the one group: taken, its
    # members, their partners, the note.
    assert verbs == ["SELECT"] * 5 + ["UPDATE", "SELECT", "SELECT", "UPDATE"]


def test_what_is_new_in_a_group_is_applied_to_each(target: Processor, sandbox: Sandbox) -> None:
    case = sent(target, 3)
    sandbox.advance(TWO_WEEKS)
    with later(hours=2):
        before = calls(sandbox)
        jobs.report(str(target.pk))
        assert calls(sandbox) - before == 1
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert set(case.requests.values_list("status", "answer")) == {("completed", "done")}


def test_a_groups_answer_tells_what_became_of_an_attempt_whose_answer_was_lost(
    target: Processor, sandbox: Sandbox
) -> None:
    sent(target, 2)
    sandbox.faults([{"method": "POST", "fault": "reset_after"}])
    lost = approved_case(identities=[("email", "lost@example.org")])
    dispatch.drain(target.pk)
    assert lost.requests.get().status == RequestStatus.QUEUED
    with later(hours=2):
        jobs.report(str(target.pk))
    request = lost.requests.get()
    assert (request.status, request.outcome_unknown) == (RequestStatus.PENDING, False)
    assert sandbox.state(str(request.pk))["posts"] == {str(request.pk): 1}


def test_an_id_that_a_groups_answer_lacks_is_asked_for_singly(target: Processor, sandbox: Sandbox) -> None:
    case = sent(target, 3)
    # The vendor has one of them under another name: it is not in the answer, and known all the same.
    elsewhere = approved_case(identities=[("email", "z@example.org")], group_name="theirs")
    dispatch.drain(target.pk)
    ours = RequestGroup.objects.get(explicit=False)
    ProcessorRequest.objects.filter(case=elsewhere).update(group=ours)
    with later(hours=2):
        before = calls(sandbox)
        jobs.report(str(target.pk))
        assert calls(sandbox) - before == 2
        assert heard(case) == heard(elsewhere) == {True}
    assert not AttentionItem.objects.exists()


def test_an_id_the_processor_forgot_is_not_concluded_gone_but_shown(
    target: Processor, sandbox: Sandbox
) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    sandbox.reset()
    reconciling.refresh(case.requests.get().pk)
    assert ProcessorRequest.objects.get().status == RequestStatus.PENDING
    assert AttentionItem.objects.get().kind == AttentionKind.GONE
    case.refresh_from_db()
    assert case.status == CaseStatus.ATTENTION


def test_a_person_can_ask_at_once_where_something_is_with_a_processor(
    target: Processor, sandbox: Sandbox
) -> None:
    with pytest.raises(Refused):
        reconciling.ask_for_refresh(ready_case(), actor=actor("agnes"))
    case = approved_case(identities=[("email", "x@example.org")])
    dispatch.drain(target.pk)
    sandbox.advance(TWO_WEEKS)
    assert reconciling.ask_for_refresh(case, actor=actor("agnes")) == 1
    reconciling.refresh(ProcessorRequest.objects.get(case=case).pk)
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


def test_an_emptied_queue_store_costs_time_only(target: Processor, sandbox: Sandbox) -> None:
    approved_case()
    store().flushdb()
    assert store().llen("rq:queue:outgoing") == 0
    sweeping.sweep()
    assert store().llen("rq:queue:outgoing") > 0


def test_the_sweep_settles_what_disagrees(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    # As if a settling had been lost: the request is done, the case still says working.
    ProcessorRequest.objects.update(status=RequestStatus.COMPLETED, answer="done")
    sweeping.sweep()
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


@pytest.mark.parametrize(("shape", "expected"), [("null", False), ("seven_digits", True), ("naive", True)])
def test_every_spelling_of_the_expected_time_is_kept(
    target: Processor, sandbox: Sandbox, shape: str, expected: bool
) -> None:
    sandbox.switches(expected_completion=shape)
    approved_case()
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert (request.expected_completion_at is not None) == expected
    assert bool(request.expected_completion_raw) == expected


def test_each_partner_that_failed_is_shown(target: Processor, sandbox: Sandbox) -> None:
    failed = [
        {"domain": "braze.com", "name": name, "status": "failed", "status_message": "no credentials"}
        for name in ("Braze EU", "Braze US")
    ]
    sandbox.switches(partners=failed)
    case = approved_case()
    dispatch.drain(target.pk)
    sandbox.advance(3600)
    for _ in range(2):
        reconciling.refresh(case.requests.get().pk)
    sentences = AttentionItem.objects.filter(kind=AttentionKind.PARTNER_FAILED).values_list(
        "sentence", flat=True
    )
    assert sorted(
        name for name in ("Braze EU", "Braze US") for sentence in sentences if name in sentence.english
    ) == [
        "Braze EU",
        "Braze US",
    ]
    assert len(sentences) == 2
