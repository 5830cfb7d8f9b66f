"""What a processor says, by answer, report and signed callback together, against the sandbox and the real view."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, AuditEvent, CallbackDelivery, ProcessorRequest, Verdict
from cases.services import audit
from cases.services.dispatch import cancellation, dispatch, leases
from cases.services.reports import failures, payloads, reconciling
from dsrportal.sentence import Sentence
from integrations.errors import Rejected, Unreachable
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.sandbox.switches import demo_partners
from tests.builders import actor, approved_case
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

QUARTER_HOUR = 900
DAY = 24 * 3600


@pytest.fixture
def called_back(
    target: Processor, sandbox: Sandbox, live_server: LiveServer, settings: Settings
) -> Processor:
    """The sandbox's workspace as a processor that calls back to this process."""
    settings.PORTAL_BASE_URL = live_server.url
    sandbox.switches(callbacks=True, chunked=False)  # Django's own test server reads no chunks
    return target


def request_to(processor: Processor, **more: Any) -> ProcessorRequest:
    return ProcessorRequest.objects.select_related("case").get(
        case=approved_case(**more), processor=processor
    )


def moves(request: ProcessorRequest) -> list[str]:
    events = AuditEvent.objects.filter(action="request.status_changed", details__request=str(request.pk))
    return [event.details["to"] for event in events.order_by("sequence")]


@pytest.mark.parametrize(
    ("passes", "status"), [(QUARTER_HOUR, "pending"), (8 * DAY, "in_progress"), (15 * DAY, "completed")]
)
def test_a_callback_overtakes_the_answer_to_our_own_post(
    called_back: Processor, sandbox: Sandbox, passes: int, status: str
) -> None:
    request = request_to(called_back)
    (claimed,) = leases.claim(called_back)
    answer = connector_for(called_back).submit(payloads.submission(claimed))
    assert {delivery["status"] for delivery in sandbox.advance(passes)} == {202}
    request.refresh_from_db()
    assert (request.status, request.lease_token, request.outcome_unknown) == (status, None, False)
    known = list(ProcessorRequest.objects.filter(pk=request.pk).values())
    events = AuditEvent.objects.count()
    dispatch.record(claimed, answer)
    assert list(ProcessorRequest.objects.filter(pk=request.pk).values()) == known
    assert AuditEvent.objects.count() == events
    assert moves(request) == ["queued", "pending", "in_progress", "completed"][: len(moves(request))]
    assert not leases.due(now=timezone.now() + timedelta(days=1)).filter(processor=called_back).exists()


def test_the_failure_of_a_call_that_a_callback_has_answered_is_ignored(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request = request_to(called_back)
    (claimed,) = leases.claim(called_back)
    connector_for(called_back).submit(payloads.submission(claimed))
    sandbox.advance(QUARTER_HOUR)
    failures.record(claimed, Unreachable(Sentence("The answer was lost.")))
    request.refresh_from_db()
    assert (request.status, request.last_error, request.next_attempt_at) == (RequestStatus.PENDING, "", None)
    dispatch.drain(called_back.pk)
    assert sandbox.state()["posts"] == {str(request.pk): 1}


def test_a_word_from_outside_overrides_our_opinion_that_it_failed(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request = request_to(called_back)
    (claimed,) = leases.claim(called_back)
    connector_for(called_back).submit(payloads.submission(claimed))
    failures.record(claimed, Rejected(Sentence("mParticle says that the request is wrong."), http_status=400))
    request.refresh_from_db()
    assert request.status == RequestStatus.FAILED
    assert AttentionItem.objects.get().kind == AttentionKind.REFUSED
    request.case.refresh_from_db()
    assert request.case.status == CaseStatus.ATTENTION
    sandbox.advance(15 * DAY)
    request.refresh_from_db()
    request.case.refresh_from_db()
    assert (request.status, request.answer) == (RequestStatus.COMPLETED, Answer.DONE)
    assert AttentionItem.objects.get().resolution == "answered"
    assert request.case.status == CaseStatus.REVIEW
    assert audit.verify(f"case:{request.case_id}") == []


def test_a_cancel_is_answered_by_the_callback(called_back: Processor, sandbox: Sandbox) -> None:
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    cancellation.cancel(request.case, actor=actor("agnes"))
    connector_for(called_back).cancel(request.pk)
    assert {delivery["status"] for delivery in sandbox.advance(QUARTER_HOUR)} == {202}
    request.refresh_from_db()
    assert (request.status, request.cancel_requested_at, request.answer) == ("cancelled", None, "")
    assert moves(request) == ["queued", "pending", "cancelled"]
    assert not AttentionItem.objects.exists()


def test_a_cancel_that_came_too_late_is_put_to_a_human(called_back: Processor, sandbox: Sandbox) -> None:
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    cancellation.cancel(request.case, actor=actor("agnes"))
    sandbox.advance(8 * DAY)
    request.refresh_from_db()
    assert (request.status, request.cancel_requested_at) == (RequestStatus.IN_PROGRESS, None)
    assert AttentionItem.objects.get().kind == AttentionKind.CANCEL_REFUSED


@pytest.mark.parametrize("shape", ["list", "distribution_status", "by_domain"])
def test_partners_reach_the_case_in_every_shape(called_back: Processor, sandbox: Sandbox, shape: str) -> None:
    sandbox.switches(extensions_shape=shape)
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    sandbox.advance(15 * DAY)
    found = {(row.domain, row.name): str(row.status) for row in request.forwarding_extensions.all()}
    assert found == {(row["domain"], row["name"]): row["status"] for row in demo_partners()}


@pytest.mark.parametrize("shape", ["null", "empty_list"])
def test_no_word_of_partners_is_no_partner(called_back: Processor, sandbox: Sandbox, shape: str) -> None:
    sandbox.switches(extensions_shape=shape)
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    sandbox.advance(15 * DAY)
    request.refresh_from_db()
    assert request.status == RequestStatus.COMPLETED
    assert not request.forwarding_extensions.exists()


def test_callbacks_doubled_and_shuffled_end_where_they_should(
    called_back: Processor, sandbox: Sandbox
) -> None:
    sandbox.switches(callback_duplicates=2, callback_shuffle=True)
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    assert {delivery["status"] for delivery in sandbox.advance(30 * DAY)} == {202}
    request.refresh_from_db()
    request.case.refresh_from_db()
    assert (request.status, request.case.status) == (RequestStatus.COMPLETED, CaseStatus.REVIEW)
    assert moves(request)[-1] == "completed"
    assert len(moves(request)) == len(set(moves(request)))
    assert set(CallbackDelivery.objects.values_list("repeats", flat=True)) == {2}


@pytest.mark.parametrize("signature", ["tampered", "pss", "other_key", "missing"])
def test_callbacks_that_are_not_believed_are_made_good_by_asking(
    called_back: Processor, sandbox: Sandbox, signature: str
) -> None:
    sandbox.switches(callback_signature=signature, callback_retries=0)
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    assert {delivery["status"] for delivery in sandbox.advance(15 * DAY)} == {401}
    request.refresh_from_db()
    assert (request.status, CallbackDelivery.objects.count()) == (RequestStatus.PENDING, 0)
    reconciling.refresh(request.pk)
    request.refresh_from_db()
    assert request.status == RequestStatus.COMPLETED


def test_a_report_and_a_callback_of_the_same_word_are_one_event(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request = request_to(called_back)
    dispatch.drain(called_back.pk)
    sandbox.switches(callback_batch_seconds=30 * DAY)
    sandbox.advance(15 * DAY)
    reconciling.refresh(request.pk)
    sandbox.advance(30 * DAY)
    assert moves(request) == ["queued", "pending", "completed"]
    verdicts = set(CallbackDelivery.objects.values_list("verdict", flat=True))
    assert verdicts <= {Verdict.NOTHING_NEW, Verdict.APPLIED}
