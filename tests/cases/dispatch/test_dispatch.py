"""A queued request on its way: sent once, under one id, whatever happens in between."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, Case, ProcessorRequest
from cases.services.dispatch import dispatch, leases, retrying
from cases.services.processors import accounts
from cases.services.reports import failures
from integrations.models import Processor
from tests.builders import actor, approved_case, open_case, ready_case
from tests.sandbox import Sandbox


def the_request(case: Case) -> ProcessorRequest:
    return ProcessorRequest.objects.get(case=case)


def due_again(request: ProcessorRequest) -> None:
    """As if the backoff had passed."""
    ProcessorRequest.objects.filter(pk=request.pk).update(
        next_attempt_at=None, lease_until=None, lease_token=None
    )


def test_it_leaves_as_the_case_says_and_becomes_pending(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case(
        identities=[("email", " Ada.Lovelace@Example.org"), ("other3", "x")],
        skip_waiting_period=True,
        regulation="ccpa",
    )
    dispatch.drain(target.pk)
    request = the_request(case)
    received = sandbox.state(str(request.pk))["requests"][0]
    assert received["type"] == "erasure"
    assert received["regulation"] == "ccpa"
    # Exactly as typed, blanks and capitals included.
    assert received["identities"] == {"email": " Ada.Lovelace@Example.org", "other3": "x"}
    assert request.status == RequestStatus.PENDING
    assert request.sent_at is not None
    assert not request.outcome_unknown
    target.refresh_from_db()
    assert target.account_proven_at is not None


def test_the_earliest_legal_due_date_leaves_first(target: Processor, sandbox: Sandbox) -> None:
    late = approved_case(identities=[("email", "b@example.org")])
    early = approved_case(
        identities=[("email", "a@example.org")], received_at=timezone.now() - timedelta(days=20)
    )
    claimed = leases.claim(target)
    assert [request.case_id for request in claimed] == [early.pk, late.pk]


def test_a_rate_limit_waits_as_long_as_it_was_told(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    sandbox.switches(call_window={"limit": 1, "seconds": 60})
    approved_case(identities=[("email", "second@example.org")])
    dispatch.drain(target.pk)
    waiting = ProcessorRequest.objects.get(status=RequestStatus.QUEUED)
    assert waiting.last_error == "rate_limited"
    assert not waiting.outcome_unknown
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at > timezone.now()
    assert the_request(case)


def test_wrong_credentials_pause_the_processor_and_say_which_key(target: Processor, sandbox: Sandbox) -> None:
    good = target.credentials
    target.credentials = {**good, "workspace_secret": "wrong"}
    target.save()
    case = approved_case()
    dispatch.drain(target.pk)
    target.refresh_from_db()
    assert target.paused_reason == "credentials"
    item = AttentionItem.objects.get()
    assert item.kind == AttentionKind.CREDENTIALS
    assert "workspace key" in item.sentence.english
    assert the_request(case).status == RequestStatus.QUEUED
    dispatch.drain(target.pk)
    assert AttentionItem.objects.count() == 1

    target.credentials = good
    target.save()
    assert all(check.works for check in accounts.test_connection(target, actor=actor("ivy")))
    item.refresh_from_db()
    assert item.resolution == "resumed"
    due_again(the_request(case))
    dispatch.drain(target.pk)
    assert the_request(case).status == RequestStatus.PENDING


def fill_group(sandbox: Sandbox, group_id: str) -> None:
    """mParticle takes 150 requests a group and refuses the next with 400."""
    for number in range(150):
        body = {
            "regulation": "gdpr",
            "subject_request_id": str(uuid4()),
            "subject_request_type": "erasure",
            "submitted_time": "2026-11-01T09:00:00Z",
            "subject_identities": {"email": {"value": f"filler{number}@example.org", "encoding": "raw"}},
            "group_id": group_id,
        }
        assert sandbox.call("POST", "/v3/requests", body)[0] == 201


def test_a_refused_request_fails_and_is_retried_under_its_own_id(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case(group_name="crowded")
    request = the_request(case)
    fill_group(sandbox, "crowded")
    dispatch.drain(target.pk)
    request.refresh_from_db()
    assert (request.status, request.last_http_status) == (RequestStatus.FAILED, 400)
    assert AttentionItem.objects.get().kind == AttentionKind.REFUSED
    case.refresh_from_db()
    assert case.status == CaseStatus.ATTENTION

    Case.objects.filter(pk=case.pk).update(group_name="")
    assert retrying.retry(case, actor=actor("agnes")) == 1
    dispatch.drain(target.pk)
    assert the_request(case).status == RequestStatus.PENDING
    assert AttentionItem.objects.get().resolution == "retried"
    case.refresh_from_db()
    assert case.status == CaseStatus.WORKING


def test_an_answer_of_another_workspace_pauses_the_processor(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(controller_id="9999")
    case = approved_case()
    dispatch.drain(target.pk)
    target.refresh_from_db()
    assert target.paused_reason == "account_mismatch"
    assert the_request(case).status == RequestStatus.QUEUED


def test_an_unreachable_processor_loses_nothing(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    sandbox.stop()
    try:
        dispatch.drain(target.pk)
    finally:
        sandbox.start()
    request = the_request(case)
    assert (request.status, request.last_error) == (RequestStatus.QUEUED, "not_sent")
    assert not request.outcome_unknown
    due_again(request)
    dispatch.drain(target.pk)
    assert the_request(case).status == RequestStatus.PENDING


def test_lanes_side_by_side_send_each_request_once(target: Processor, sandbox: Sandbox) -> None:
    for number in range(24):
        approved_case(identities=[("email", f"person{number}@example.org")])

    def lane() -> None:
        try:
            dispatch.drain(target.pk)
        finally:
            connection.close()

    lanes = [threading.Thread(target=lane) for _ in range(4)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert set(ProcessorRequest.objects.values_list("status", flat=True)) == {RequestStatus.PENDING}
    assert set(sandbox.state()["posts"].values()) == {1}


def test_a_paused_processor_is_left_alone(target: Processor, sandbox: Sandbox) -> None:
    accounts.pause(target, actor=actor("ivy"), reason="by_hand")
    case = approved_case()
    dispatch.drain(target.pk)
    assert the_request(case).attempts == 0


def test_nothing_is_sent_before_approval(target: Processor, sandbox: Sandbox) -> None:
    open_case()
    ready_case(identities=[("email", "other@example.org")])
    dispatch.drain(target.pk)
    assert sandbox.state()["requests"] == []


def test_a_mpid_and_two_addresses_leave_as_three_requests(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case(identities=[("email", "a@example.org"), ("email", "b@example.org"), ("mpid", "-77")])
    dispatch.drain(target.pk)
    sent = [request["identities"] for request in sandbox.state()["requests"]]
    assert sorted(map(sorted, sent)) == [["email"], ["email"], ["mpid"]]
    assert ProcessorRequest.objects.filter(case=case, status=RequestStatus.PENDING).count() == 3


def test_identities_that_were_shredded_are_shown_to_a_human(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    case.subject.data_key.destroy()
    dispatch.drain(target.pk)
    assert the_request(case).status == RequestStatus.FAILED
    assert "The identifiers cannot be read" in AttentionItem.objects.get().sentence.english
    assert sandbox.state()["requests"] == []


def test_a_processor_without_credentials_is_paused_and_says_so(target: Processor, sandbox: Sandbox) -> None:
    target.credentials = {}
    target.save()
    case = approved_case()
    dispatch.drain(target.pk)
    target.refresh_from_db()
    assert target.paused_reason == "credentials"
    assert the_request(case).status == RequestStatus.QUEUED


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(1, 1, 3), (2, 2, 6), (3, 4, 12), (4, 8, 24), (5, 16, 48), (12, 1200, 3600), (60, 1200, 3600)],
)
def test_the_wait_before_another_attempt_doubles_and_is_left_to_chance(
    attempts: int, least: int, most: int
) -> None:
    """2^k ± U(0, 2^(k-1)) s (docs.leanplum.com: Responses), up to an hour."""
    waits = [failures.backoff_seconds(attempts) for _ in range(500)]
    assert min(waits) >= least
    assert max(waits) <= most
    assert max(waits) - min(waits) > (most - least) / 2
