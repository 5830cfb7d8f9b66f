"""Callback and report disagree: asked once more, then put to a human with both sides, and settled when they agree."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from cases import jobs
from cases.actor import SCHEDULE
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, AuditEvent, CallbackDelivery, ProcessorRequest, Verdict
from cases.services import attention, audit, progress, transition
from cases.services.dispatch import dispatch
from cases.services.reports import payloads, reconciling
from dsrportal.queueing import store
from integrations.models import Processor
from integrations.registry import connector_for
from tests.builders import actor, approved_case
from tests.cases.asking import calls, later
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
    sandbox.switches(callbacks=True, chunked=False, extensions_shape="null")
    return target


def sent(target: Processor, count: int = 2) -> list[ProcessorRequest]:
    """Requests of one case and one group, all with the processor."""
    case = approved_case(identities=[("email", f"{number}@example.org") for number in range(count)])
    dispatch.drain(target.pk)
    return list(ProcessorRequest.objects.select_related("case").filter(case=case))


def tell(target: Processor, sandbox: Sandbox, request: ProcessorRequest, status: str) -> Verdict:
    """A signed callback that says what the vendor itself does not believe; what came of it."""
    url = target_url(sandbox, target)
    body = {
        "controller_id": target.account,
        "expected_completion_time": None,
        "status_callback_url": url,
        "subject_request_id": str(request.pk),
        "request_status": status,
        "results_url": None,
        "extensions": None,
    }
    assert sandbox.callback(url, body, chunked=False)["status"] == 202
    request.refresh_from_db()
    delivery = CallbackDelivery.objects.filter(processor_request=request).latest("received_at")
    return Verdict(delivery.verdict)


def target_url(sandbox: Sandbox, target: Processor) -> str:
    (url,) = {url for row in sandbox.state()["requests"] for url in row["callback_urls"]}
    assert str(url).endswith(target.callback_path)
    return str(url)


def report(target: Processor, **after: float) -> None:
    """A round of reports, so long after now."""
    with later(**after):
        jobs.report(str(target.pk))


def only_item() -> AttentionItem:
    return AttentionItem.objects.get(kind=AttentionKind.DISAGREEMENT)


def statuses(request: ProcessorRequest) -> tuple[str, str]:
    request.refresh_from_db()
    request.case.refresh_from_db()
    return request.status, request.case.status


@pytest.mark.parametrize(
    ("told", "settled_after"),
    [("in_progress", 8 * DAY), ("completed", 15 * DAY)],
)
def test_a_report_that_denies_a_callback_is_shown_with_both_sides_once_and_settles_when_they_agree(
    called_back: Processor, sandbox: Sandbox, told: str, settled_after: int
) -> None:
    request, *_others = sent(called_back, 3)
    assert tell(called_back, sandbox, request, told) == Verdict.APPLIED
    sandbox.switches(callbacks=False)
    report(called_back, hours=2)
    held = RequestStatus(told).label.lower()
    sentence = only_item().sentence
    assert sentence.english.startswith(
        f"{called_back.name} reported “{held}” (callback of {timezone.now():%d %b %Y}"
    )
    assert "it reported “pending”." in sentence.english
    assert statuses(request) == (told, CaseStatus.ATTENTION)
    # Another round: the same contradiction, of another date.
    report(called_back, hours=27)
    assert only_item().resolved_at is None
    sandbox.advance(settled_after)
    report(called_back, hours=53)
    assert (only_item().resolution, request.status) == ("answered", told)
    assert statuses(request)[1] != CaseStatus.ATTENTION
    assert audit.verify(f"case:{request.case_id}") == []
    kinds = AuditEvent.objects.filter(details__kind="disagreement").order_by("sequence")
    assert [event.action for event in kinds] == ["attention.opened", "attention.resolved"]


def test_a_denial_is_asked_for_once_more_before_anyone_is_troubled(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request, other = sent(called_back)
    tell(called_back, sandbox, request, "completed")
    connector = connector_for(called_back)
    asked_at, stale = timezone.now(), connector.report(payloads.inquiry(request))
    sandbox.switches(callbacks=False)
    sandbox.advance(15 * DAY)
    # The first answer was of an instant before the vendor had caught up with its own callback.
    assert not reconciling.take_in(called_back, stale, asked_at=asked_at)
    reconciling.refresh(request.pk)
    assert not AttentionItem.objects.exists()
    assert statuses(other)[0] == RequestStatus.PENDING


def test_a_callback_that_comes_while_the_answer_is_under_way_is_no_disagreement(
    called_back: Processor, sandbox: Sandbox
) -> None:
    (request,) = sent(called_back, 1)
    asked_at, answer = timezone.now(), connector_for(called_back).report(payloads.inquiry(request))
    sandbox.advance(8 * DAY)
    assert statuses(request)[0] == RequestStatus.IN_PROGRESS
    assert reconciling.take_in(called_back, answer, asked_at=asked_at)
    assert statuses(request) == (RequestStatus.IN_PROGRESS, CaseStatus.WORKING)
    assert not AttentionItem.objects.exists()


def is_asked_for(request: ProcessorRequest) -> bool:
    """Whether a job waits that asks for it; other jobs wait for their own reasons."""
    return bool(store().exists(f"portal:waiting:cases.jobs.refresh:{request.pk}"))


def test_a_word_that_is_only_late_asks_nobody(called_back: Processor, sandbox: Sandbox) -> None:
    request, _other = sent(called_back)
    sandbox.advance(15 * DAY)
    for late in ("pending", "in_progress"):
        assert tell(called_back, sandbox, request, late) == Verdict.NOTHING_NEW
    assert not is_asked_for(request)


def test_a_callback_that_denies_how_a_request_ended_has_it_asked_for_and_the_report_decides(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request, _other = sent(called_back)
    sandbox.advance(15 * DAY)
    assert tell(called_back, sandbox, request, "cancelled") == Verdict.NOTHING_NEW
    assert is_asked_for(request)
    jobs.refresh(str(request.pk))
    assert statuses(request)[0] == RequestStatus.COMPLETED
    assert not AttentionItem.objects.exists()


def test_where_the_report_sides_with_the_callback_that_came_last_a_human_sees_both(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request, _other = sent(called_back)
    tell(called_back, sandbox, request, "cancelled")
    sandbox.switches(callbacks=False)
    sandbox.advance(15 * DAY)
    assert tell(called_back, sandbox, request, "completed") == Verdict.NOTHING_NEW
    jobs.refresh(str(request.pk))
    assert "reported “cancelled” (callback of" in only_item().sentence.english
    assert "reported “completed”" in only_item().sentence.english
    assert statuses(request) == (RequestStatus.CANCELLED, CaseStatus.ATTENTION)


def test_the_asking_survives_a_processor_that_is_down_and_a_queue_store_that_forgets(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request, _other = sent(called_back)
    sandbox.advance(15 * DAY)
    tell(called_back, sandbox, request, "cancelled")
    sandbox.faults([{"method": "GET", "fault": "status_502"}])
    jobs.refresh(str(request.pk))
    store().flushdb()
    jobs.reports()
    assert store().llen("rq:queue:default") == 1
    before = calls(sandbox)
    jobs.report(str(called_back.pk))
    jobs.report(str(called_back.pk))
    assert calls(sandbox) - before == 1


def test_a_request_that_was_cancelled_unsent_and_is_known_there_all_the_same(
    called_back: Processor, sandbox: Sandbox
) -> None:
    sandbox.switches(callbacks=False)
    _first, other, _third = sent(called_back, 3)
    # As a POST that arrived after everybody had given it up.
    with progress.locked_request(other.pk) as current:
        ProcessorRequest.objects.filter(pk=current.pk).update(status=RequestStatus.QUEUED, sent_at=None)
        current.refresh_from_db()
        transition.move_request(current, RequestStatus.CANCELLED, actor=SCHEDULE)
    report(called_back, hours=2)
    assert only_item().processor_request_id == other.pk
    assert "was cancelled here before it was sent" in only_item().sentence.english


def test_a_persons_decision_stands_until_the_processor_says_something_else_again(
    called_back: Processor, sandbox: Sandbox
) -> None:
    request, *_others = sent(called_back, 3)
    tell(called_back, sandbox, request, "completed")
    sandbox.switches(callbacks=False)
    report(called_back, hours=2)
    attention.resolve(only_item(), actor=actor("agnes"), resolution="decided")
    before = calls(sandbox)
    report(called_back, hours=27)
    assert calls(sandbox) - before == 1
    assert only_item().resolution == "decided"
    connector_for(called_back).cancel(request.pk)
    report(called_back, hours=53)
    found = AttentionItem.objects.filter(kind=AttentionKind.DISAGREEMENT, resolved_at=None)
    assert "reported “cancelled”" in found.get().sentence.english


def test_a_person_can_have_it_asked_again(called_back: Processor, sandbox: Sandbox) -> None:
    (request,) = sent(called_back, 1)
    tell(called_back, sandbox, request, "completed")
    jobs.refresh(str(request.pk))
    assert only_item().resolved_at is None
    sandbox.switches(callbacks=False)
    sandbox.advance(15 * DAY)
    assert reconciling.ask_for_refresh(request.case, actor=actor("agnes")) == 1
    jobs.refresh(str(request.pk))
    assert only_item().resolution == "answered"
    assert statuses(request)[1] == CaseStatus.REVIEW
