"""Whose turn a case is and since when, in one sentence; and which cases do not move."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import jobs
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, Case, ProcessorRequest
from cases.services.closing import closing
from cases.services.dispatch import cancellation, dispatch
from cases.services.planning import approval
from cases.services.processors import accounts, pausing
from cases.services.reports import reconciling
from cases.services.status import whose_turn
from cases.services.status.request_status_text import when
from integrations.models import Processor
from tests.builders import actor, approved_case, leanplum, manual, open_case, person, processor, ready_case
from tests.cases.asking import later
from tests.sandbox import Sandbox

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWO_WEEKS = 15 * 24 * 3600


def sentence(case: Case, *, now: datetime | None = None) -> str:
    case.refresh_from_db()
    return str(whose_turn.for_case(case, now=now or timezone.now()).sentence)


def turn(case: Case) -> str:
    case.refresh_from_db()
    return str(whose_turn.for_case(case, now=timezone.now()).turn)


def clock(moment: datetime | None) -> str:
    assert moment is not None
    return when(moment, now=timezone.now())


def the_request(case: Case) -> ProcessorRequest:
    return ProcessorRequest.objects.get(case=case)


def report(case: Case) -> None:
    reconciling.refresh(the_request(case).pk)
    case.refresh_from_db()


def in_the_way(target: Processor) -> Case:
    """A case that another request for the same person keeps from being sent."""
    approved_case(identities=[("email", "same@example.org")])
    dispatch.drain(target.pk)
    case = approved_case(identities=[("email", "same@example.org")])
    dispatch.drain(target.pk)
    return case


def is_stuck(case: Case, after: timedelta) -> bool:
    """Whether it would be, were it looked at so much later."""
    return whose_turn.stuck(now=timezone.now() + after).filter(pk=case.pk).exists()


# --- before anything is sent


def test_before_approval_it_is_a_person_s_turn(target: Processor) -> None:
    fresh, ready = open_case(), ready_case()
    assert turn(fresh) == "An agent"
    since = clock(fresh.status_changed_at)
    assert sentence(fresh) == f"Waiting for an agent to verify the requester since {since}."
    assert turn(ready) == "An approver"
    assert sentence(ready) == f"Waiting for an approver since {clock(ready.status_changed_at)}."


def test_another_day_is_named_by_its_date_in_the_zone_of_who_looks(target: Processor) -> None:
    case = ready_case()
    late_evening = datetime(2026, 11, 3, 22, 30, tzinfo=UTC)
    Case.objects.filter(pk=case.pk).update(status_changed_at=late_evening)
    assert sentence(case, now=late_evening + HOUR) == "Waiting for an approver since 22:30."
    assert sentence(case, now=late_evening + DAY) == "Waiting for an approver since 03 Nov 2026."
    with timezone.override("Asia/Tokyo"):
        assert sentence(case, now=late_evening + DAY) == "Waiting for an approver since 04 Nov 2026."


# --- queued


def test_a_queued_request_says_what_it_waits_for(target: Processor) -> None:
    case = approved_case()
    queued = f"Queued for Sandbox 0 since {clock(the_request(case).queued_at)}"
    assert (turn(case), sentence(case)) == ("The portal", f"{queued}.")
    accounts.pause(target, actor=actor("ivy"), reason="maintenance")
    assert turn(case) == "An integration manager"
    assert sentence(case) == f"{queued}. The processor is paused (maintenance on their side or ours)."
    pausing.pause(actor=actor("ivy"), reason="investigation")
    assert turn(case) == "An integration manager"
    assert sentence(case) == f"{queued}. All sending is paused."


def test_a_failed_attempt_is_told_with_its_answer_and_the_next(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "status_502"}])
    dispatch.drain(target.pk)
    request = the_request(case)
    begin = f"Queued for Sandbox 0 since {clock(request.queued_at)} (last response: 502). Next attempt"
    assert request.next_attempt_at is not None
    before, after = request.next_attempt_at - timedelta(seconds=1), request.next_attempt_at
    assert sentence(case, now=before) == f"{begin} at {clock(request.next_attempt_at)}."
    assert sentence(case, now=after) == f"{begin} in a moment."


def test_an_attempt_without_an_answer_is_told_in_words(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "reset_after"}])
    dispatch.drain(target.pk)
    assert " (last attempt: the connection broke before a response arrived). Next attempt" in sentence(case)


def test_another_request_in_the_way_is_a_decision_first_and_then_a_wait(
    target: Processor, sandbox: Sandbox
) -> None:
    case = in_the_way(target)
    item = AttentionItem.objects.get(case=case)
    assert turn(case) == "An agent"
    assert sentence(case) == f"An agent must decide: {item.sentence} Open since {clock(item.opened_at)}."
    accounts.resolve_item(item, actor=actor("agnes"))
    again = the_request(case).next_attempt_at
    assert again is not None
    told = f". Another request is in progress. Next attempt at {again:%H:%M}."
    assert sentence(case, now=again - timedelta(seconds=1)).endswith(told)
    assert sentence(case, now=again).endswith(". Another request is in progress. Next attempt in a moment.")


# --- at the processor


def test_in_flight_it_is_the_processor_s_turn(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    request = the_request(case)
    assert request.expected_completion_at is not None
    expected = f"{request.expected_completion_at:%d %b %Y}"
    begin = f"At Sandbox 0 since {clock(request.sent_at)}"
    assert turn(case) == "Sandbox 0"
    assert sentence(case) == f"{begin} (pending, expected {expected})."
    sandbox.advance(8 * 24 * 3600)
    report(case)
    assert sentence(case).startswith(begin)
    assert f"(in progress, expected {expected})." in sentence(case)


def test_a_late_answer_and_a_long_silence_are_told(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    request = the_request(case)
    assert request.expected_completion_at is not None
    assert request.reported_at is not None
    heard, expected = f"{request.reported_at:%d %b %Y}", f"{request.expected_completion_at:%d %b %Y}"
    assert f"(pending, was expected {expected}, no update since {heard})." in sentence(
        case, now=request.expected_completion_at + DAY
    )


def test_a_cancel_that_is_not_confirmed_is_told(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"))
    asked = clock(the_request(case).cancel_requested_at)
    words = f"Sandbox 0 has not confirmed the cancellation requested at {asked}"
    assert sentence(case) == f"{words}."
    accounts.pause(target, actor=actor("ivy"), reason="by_hand")
    assert (turn(case), sentence(case)) == ("An integration manager", f"{words}. The processor is paused.")


def test_a_result_on_its_way_is_told(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case(type="access")
    dispatch.drain(target.pk)
    sandbox.advance(TWO_WEEKS)
    report(case)
    since = clock(the_request(case).completed_at)
    assert sentence(case) == f"Fetching the result from Sandbox 0 since {since}."


def test_of_several_requests_the_one_that_holds_it_up_is_told(target: Processor, sandbox: Sandbox) -> None:
    other = processor(sandbox, workspace=1)
    case = approved_case()
    accounts.pause(other, actor=actor("ivy"), reason="maintenance")
    dispatch.drain(target.pk)
    assert turn(case) == "An integration manager"
    assert sentence(case).startswith("Queued for Sandbox 1 since")
    assert sentence(case).endswith("One more response is still missing.")


# --- afterwards


def test_when_all_answers_are_in_an_agent_closes_it(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    sandbox.advance(TWO_WEEKS * 2)
    report(case)
    assert case.status == CaseStatus.REVIEW
    assert sentence(case).startswith("All responses have arrived. Waiting since ")
    closing.close(case, actor=actor("agnes"), outcome="fulfilled")
    assert turn(case) == "No one"
    assert sentence(case) == f"Closed on {timezone.now():%d %b %Y}. Outcome: Fulfilled."


def test_many_cases_cost_as_many_queries_as_one_and_say_the_same(target: Processor, sandbox: Sandbox) -> None:
    for make in (open_case, ready_case, lambda: in_the_way(target)):
        make()
    for number in range(4):
        approved_case(identities=[("email", f"p{number}@example.org")])
    now, cases = timezone.now(), list(Case.objects.all())

    def told(some: list[Case]) -> int:
        with CaptureQueriesContext(connection) as captured:
            found = whose_turn.for_cases(some, now=now)
        assert found == {case.pk: whose_turn.for_case(case, now=now) for case in some}
        return len(captured)

    assert told(cases) == told(cases[:1]) == 3
    assert {case.status for case in cases} == {"intake", "ready", "attention", "working"}


# --- stuck


@pytest.mark.parametrize(("make", "days"), [(open_case, 3), (ready_case, 2)])
def test_a_case_that_waits_for_a_person_is_stuck_after_some_days(
    target: Processor, make: object, days: int
) -> None:
    assert callable(make)
    case = make()
    assert not is_stuck(case, days * DAY - HOUR)
    assert is_stuck(case, days * DAY + HOUR)


def test_an_open_decision_and_a_finished_case_are_stuck_too(target: Processor, sandbox: Sandbox) -> None:
    undecided = in_the_way(target)
    answered = approved_case(identities=[("email", "b@example.org")])
    dispatch.drain(target.pk)
    sandbox.advance(TWO_WEEKS * 2)
    report(answered)
    assert answered.status == CaseStatus.REVIEW
    for case, days in ((undecided, 1), (answered, 3)):
        assert not is_stuck(case, days * DAY - HOUR)
        assert is_stuck(case, days * DAY + HOUR)
    closing.close(answered, actor=actor("agnes"), outcome="fulfilled")
    assert not is_stuck(answered, 30 * DAY)


def test_a_queued_request_is_stuck_after_an_hour_and_at_once_while_paused(target: Processor) -> None:
    case = approved_case()
    assert not is_stuck(case, HOUR / 2)
    assert is_stuck(case, HOUR * 1.1)
    accounts.pause(target, actor=actor("ivy"), reason="maintenance")
    assert is_stuck(case, timedelta(0))
    accounts.resume(target, actor=actor("ivy"))
    assert not is_stuck(case, timedelta(0))
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    assert is_stuck(case, timedelta(0))


def test_a_place_in_a_queue_that_moves_is_not_stuck(target: Processor, sandbox: Sandbox) -> None:
    approved_case(identities=[("email", "first@example.org")])
    dispatch.drain(target.pk)
    behind = approved_case(identities=[("email", "second@example.org")])
    ProcessorRequest.objects.filter(case=behind).update(status_changed_at=timezone.now() - 3 * HOUR)
    assert not is_stuck(behind, timedelta(0))
    # Nothing has left for an hour, or it was tried already.
    assert is_stuck(behind, HOUR * 1.1)
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "status_502"}])
    dispatch.drain(target.pk)
    assert is_stuck(behind, timedelta(0))


def test_a_request_past_its_expected_completion_or_unheard_of_is_stuck(
    target: Processor, sandbox: Sandbox
) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    assert not is_stuck(case, 23 * HOUR)
    assert is_stuck(case, 25 * HOUR)
    request = the_request(case)
    assert request.expected_completion_at is not None
    soon = timezone.now() + 2 * HOUR
    ProcessorRequest.objects.filter(pk=request.pk).update(expected_completion_at=soon)
    assert not is_stuck(case, HOUR)
    assert is_stuck(case, 3 * HOUR)


def test_a_result_that_is_not_fetched_for_an_hour_is_stuck(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case(type="access")
    dispatch.drain(target.pk)
    sandbox.advance(TWO_WEEKS)
    report(case)
    assert the_request(case).status == RequestStatus.COMPLETED
    assert not is_stuck(case, HOUR / 2)
    assert is_stuck(case, HOUR * 1.1)


def test_what_was_denied_is_not_stuck(target: Processor) -> None:
    case = ready_case()
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    assert not is_stuck(case, 30 * DAY)


def test_who_is_asked_once_a_day_is_not_unheard_of_for_a_day(
    transactional_db: None, sandbox: Sandbox
) -> None:
    sandbox.switches(leanplum_erasure_seconds=TWO_WEEKS)
    app = leanplum(sandbox)
    case = approved_case(identities=[("controller_customer_id", "c-881")])
    dispatch.drain(app.pk)
    assert the_request(case).status == RequestStatus.IN_PROGRESS
    assert not is_stuck(case, DAY + 2 * HOUR)
    assert ", no update since" not in sentence(case, now=timezone.now() + DAY + 2 * HOUR)
    sandbox.faults([{"path": "/leanplum/api", "fault": "status_502"}])
    with later(hours=26):
        jobs.report(str(app.pk))
        assert not AttentionItem.objects.exists()
    assert is_stuck(case, 3 * DAY)
    assert ", no update since" in sentence(case, now=timezone.now() + 3 * DAY)


def test_what_a_person_does_by_hand_is_told_before_what_others_take_their_time_for(
    target: Processor, sandbox: Sandbox
) -> None:
    ben = person("ben")
    archive = manual(assignee="ben")
    case = approved_case()
    dispatch.drain(target.pk)
    dispatch.drain(archive.pk)
    case.refresh_from_db()
    stands = whose_turn.for_case(case, now=timezone.now())
    assert stands.turn.english == ben.username
    assert stands.sentence.english.startswith(f"The task at {archive.name} has been open since ")
    assert stands.sentence.english.endswith("One more response is still missing.")
