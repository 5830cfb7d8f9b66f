"""Cancelling while it is possible, and what follows when it is not."""

import pytest
from django.utils import timezone

from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import AttentionItem, AttentionKind, AuditEvent, ProcessorRequest
from cases.services import attention
from cases.services.closing import closing
from cases.services.dispatch import cancellation, dispatch, leases
from cases.services.refusal import Refused
from cases.services.reports import failures
from dsrportal.sentence import Sentence
from integrations.errors import Rejected
from integrations.models import Processor
from tests.builders import actor, approved_case
from tests.sandbox import Sandbox

EIGHT_DAYS = 8 * 24 * 3600


def test_a_request_never_sent_is_cancelled_at_once(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    assert cancellation.cancel(case, actor=actor("agnes"), text="The person called back.") == 1
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().status == RequestStatus.CANCELLED
    assert sandbox.state()["requests"] == []
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW


@pytest.mark.parametrize("answer", [200, 202, 204])
def test_a_pending_request_is_cancelled_when_the_processor_says_so(
    target: Processor, sandbox: Sandbox, answer: int
) -> None:
    sandbox.switches(cancel_status=answer)
    case = approved_case()
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"))
    assert ProcessorRequest.objects.get().status == RequestStatus.PENDING
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert (request.status, request.cancel_requested_at) == (RequestStatus.CANCELLED, None)
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert not AttentionItem.objects.exists()


@pytest.mark.parametrize("answer", [400, 409])
def test_a_cancel_that_comes_too_late_asks_a_human(target: Processor, sandbox: Sandbox, answer: int) -> None:
    sandbox.switches(cancel_late_status=answer)
    case = approved_case()
    dispatch.drain(target.pk)
    sandbox.advance(EIGHT_DAYS)  # in progress there; we have not heard of it
    cancellation.cancel(case, actor=actor("agnes"))
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert (request.status, request.cancel_requested_at) == (RequestStatus.IN_PROGRESS, None)
    item = AttentionItem.objects.get()
    assert item.kind == AttentionKind.CANCEL_REFUSED
    case.refresh_from_db()
    assert case.status == CaseStatus.ATTENTION
    attention.resolve(item, actor=actor("agnes"), resolution="decided")
    case.refresh_from_db()
    assert case.status == CaseStatus.WORKING
    with pytest.raises(Refused, match="Only requests that are queued, pending or failed can be cancelled"):
        cancellation.cancel(case, actor=actor("agnes"))


def test_a_cancel_survives_faults_and_is_asked_again(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"))
    sandbox.faults([{"method": "DELETE", "path": "/v3/requests/*", "fault": "reset_after"}])
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert request.status == RequestStatus.PENDING
    assert request.next_attempt_at is not None
    assert request.next_attempt_at > timezone.now()
    ProcessorRequest.objects.update(next_attempt_at=None)
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().status == RequestStatus.CANCELLED


def test_an_unsent_request_of_unknown_outcome_is_asked_for_before_it_is_cancelled(
    target: Processor, sandbox: Sandbox
) -> None:
    case = approved_case()
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "reset_after"}])
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"))
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().status == RequestStatus.CANCELLED
    (received,) = sandbox.state()["requests"]
    assert received["status"] == "cancelled"


def test_one_that_never_arrived_is_cancelled_without_a_word_from_outside(
    target: Processor, sandbox: Sandbox
) -> None:
    case = approved_case()
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "reset_before"}])
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"))
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().status == RequestStatus.CANCELLED
    assert sandbox.state()["requests"] == []


def test_who_asked_to_cancel_is_in_the_trail(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"), text="ada.lovelace@example.org changed her mind")
    event = AuditEvent.objects.get(action="request.cancel_requested")
    assert (event.actor_label, event.address) == ("agnes", "192.0.2.7")
    assert "ada" not in event.canonical
    assert case.notes.get().text == "ada.lovelace@example.org changed her mind"


def test_what_was_refused_is_given_up(target: Processor) -> None:
    """Otherwise a case that a processor will never take could not be ended at all."""
    case = approved_case()
    (claimed,) = leases.claim(target)
    failures.record(claimed, Rejected(Sentence("They say no.")))
    assert ProcessorRequest.objects.get().status == RequestStatus.FAILED
    with pytest.raises(Refused):
        closing.withdraw(case, actor=actor("agnes"))
    cancellation.cancel(case, actor=actor("agnes"), text="They will never take it.")
    assert ProcessorRequest.objects.get().status == RequestStatus.CANCELLED
    assert AttentionItem.objects.get().resolution == "cancelled"
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert closing.proposed_outcome(case) == Outcome.DENIED
