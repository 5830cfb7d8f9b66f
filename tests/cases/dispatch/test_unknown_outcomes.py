"""Whether a call was carried out is not known: then the processor is asked for the id, and only then is decided.

Each way of not knowing by itself, with everything that went over the wire.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, Case, ProcessorRequest
from cases.services.dispatch import cancellation, dispatch, leases, retrying
from cases.services.planning import approval, change_plan, planning
from cases.services.reports import failures, payloads, reconciling
from cases.services.upkeep import sweeping
from dsrportal.sentence import Sentence
from integrations.errors import Rejected, Unreachable
from integrations.models import Processor
from integrations.registry import connector_for
from tests.builders import actor, approved_case, leanplum, ready_case
from tests.cases.life import run_woken
from tests.sandbox import Sandbox

CREATED, EXISTS, CONFLICT = (f"POST /v3/requests {status}" for status in (201, 400, 409))
FOUND, MISSING = (f"GET /v3/requests/{{id}} {status}" for status in (200, 404))
FIFTEEN_DAYS = 15 * 24 * 3600


@dataclass(frozen=True)
class Unknown:
    """A fault of the first POST: whether it arrives there, what it looks like on the wire, what we make of it."""

    fault: str
    arrives: bool
    seen: str
    error: str
    status: int | None
    process: bool = False

    def __str__(self) -> str:
        return f"{self.fault} {'after' if self.arrives else 'before'}"


UNKNOWN = [
    Unknown("reset_before", False, "POST (unknown path) reset", "unreachable", None),
    Unknown("reset_after", True, "POST /v3/requests reset", "unreachable", None),
    *(
        Unknown(
            f"status_{status}",
            arrives,
            f"POST {'/v3/requests' if arrives else '(unknown path)'} {status}",
            "unexpected_answer",
            status,
            process=arrives,
        )
        for status in (500, 502, 504)
        for arrives in (False, True)
    ),
    Unknown("html", False, "POST (unknown path) 200", "unexpected_answer", 200),
    Unknown("html", True, "POST /v3/requests 200", "unexpected_answer", 200, process=True),
    Unknown("truncated", True, CREATED, "unexpected_answer", 201),
    Unknown("malformed", True, CREATED, "unexpected_answer", 201),
    Unknown("empty", True, CREATED, "unexpected_answer", 201),
]


def the_request(case: Case) -> ProcessorRequest:
    return ProcessorRequest.objects.get(case=case)


def an_hour_passes() -> None:
    """Waits are over, and so are leases."""
    now = timezone.now()
    ProcessorRequest.objects.filter(next_attempt_at__gt=now).update(next_attempt_at=now)
    ProcessorRequest.objects.filter(lease_until__gt=now).update(lease_until=now)


def calls(sandbox: Sandbox) -> Counter[str]:
    """Everything that went over the wire about requests so far; searches for the person beside them do not count."""
    made = sandbox.state()["calls"].items()
    return Counter({call: count for call, count in made if "/identity/" not in call})


def there(sandbox: Sandbox, request: ProcessorRequest) -> list[str]:
    """The statuses of what the processor holds of this request, and that it holds nothing else."""
    held = sandbox.state()["requests"]
    assert {row["id"] for row in held} <= {str(request.pk)}
    return [row["status"] for row in held]


@pytest.mark.parametrize("unknown", UNKNOWN, ids=str)
def test_it_is_asked_for_and_exists_once(target: Processor, sandbox: Sandbox, unknown: Unknown) -> None:
    case = approved_case()
    order = {"method": "POST", "path": "/v3/requests", "fault": unknown.fault, "process": unknown.process}
    sandbox.faults([order])
    dispatch.drain(target.pk)
    request = the_request(case)
    assert (request.status, request.outcome_unknown) == (RequestStatus.QUEUED, True)
    assert (request.last_error, request.last_http_status) == (unknown.error, unknown.status)
    assert request.next_attempt_at is not None
    assert calls(sandbox) == {unknown.seen: 1}
    assert there(sandbox, request) == ["pending"] * unknown.arrives

    an_hour_passes()
    dispatch.drain(target.pk)
    request.refresh_from_db()
    assert (request.status, request.outcome_unknown) == (RequestStatus.PENDING, False)
    answered = [FOUND] if unknown.arrives else [MISSING, CREATED]
    assert calls(sandbox) == Counter([unknown.seen, *answered])
    assert there(sandbox, request) == ["pending"]


def test_a_call_that_is_processed_after_we_gave_it_up_makes_no_second_request(
    target: Processor, sandbox: Sandbox
) -> None:
    case = approved_case()
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "slow", "seconds": 12}])
    dispatch.drain(target.pk)
    request = the_request(case)
    assert (request.last_error, request.outcome_unknown) == ("unreachable", True)
    assert calls(sandbox) == {}

    an_hour_passes()
    dispatch.drain(target.pk)
    assert the_request(case).status == RequestStatus.PENDING
    assert calls(sandbox) == {MISSING: 1, CREATED: 1}
    give_up_at = time.monotonic() + 60
    while not calls(sandbox)[EXISTS]:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    assert there(sandbox, request) == ["pending"]


@pytest.mark.parametrize("sent", [True, False])
def test_a_worker_that_died_before_it_recorded_is_made_good(
    target: Processor, sandbox: Sandbox, sent: bool
) -> None:
    case = approved_case()
    (claimed,) = leases.claim(target)
    if sent:
        connector_for(target).submit(payloads.submission(claimed))
    dispatch.drain(target.pk)
    assert calls(sandbox) == Counter([CREATED] * sent)  # its lease holds: nobody else touches it
    an_hour_passes()
    dispatch.drain(target.pk)
    request = the_request(case)
    assert (request.status, request.attempts, request.outcome_unknown) == (RequestStatus.PENDING, 2, False)
    assert calls(sandbox) == Counter([CREATED, FOUND] if sent else [MISSING, CREATED])
    assert there(sandbox, request) == ["pending"]


def test_an_answer_under_a_stale_lease_is_ignored(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    (first,) = leases.claim(target)
    an_hour_passes()
    (second,) = leases.claim(target)
    report = connector_for(target).submit(payloads.submission(first))
    dispatch.record(first, report)
    assert the_request(case).status == RequestStatus.QUEUED
    dispatch.record(second, report)
    assert the_request(case).status == RequestStatus.PENDING


def test_an_error_under_a_stale_lease_is_ignored(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    (first,) = leases.claim(target)
    an_hour_passes()
    (second,) = leases.claim(target)
    failures.record(first, Unreachable(Sentence("localhost did not respond in time.")))
    request = the_request(case)
    assert (request.lease_token, request.last_error) == (second.lease_token, "")
    dispatch.record(second, connector_for(target).submit(payloads.submission(second)))
    failures.record(first, Unreachable(Sentence("localhost did not respond in time.")))
    request = the_request(case)
    assert (request.status, request.last_error, request.outcome_unknown) == (RequestStatus.PENDING, "", False)


def forgotten_by_us(target: Processor) -> ProcessorRequest:
    """Sent, and then the database was put back to how it was before."""
    request = the_request(approved_case())
    (claimed,) = leases.claim(target)
    connector_for(target).submit(payloads.submission(claimed))
    ProcessorRequest.objects.update(attempts=0, lease_until=None, lease_token=None)
    return request


def test_an_id_of_ours_that_exists_already_is_a_success(target: Processor, sandbox: Sandbox) -> None:
    request = forgotten_by_us(target)
    dispatch.drain(target.pk)
    request.refresh_from_db()
    assert (request.status, request.last_error) == (RequestStatus.PENDING, "")
    assert calls(sandbox) == {CREATED: 1, EXISTS: 1, FOUND: 1}
    assert there(sandbox, request) == ["pending"]


def test_an_id_that_exists_but_cannot_be_asked_for_is_not_a_refusal(
    target: Processor, sandbox: Sandbox
) -> None:
    request = forgotten_by_us(target)
    sandbox.faults([{"method": "GET", "path": "/v3/requests/*", "fault": "status_502"}])
    dispatch.drain(target.pk)
    request.refresh_from_db()
    assert (request.status, request.outcome_unknown) == (RequestStatus.QUEUED, True)
    an_hour_passes()
    dispatch.drain(target.pk)
    assert the_request(request.case).status == RequestStatus.PENDING
    assert calls(sandbox)[CREATED] == calls(sandbox)[EXISTS] == calls(sandbox)[FOUND] == 1


def test_a_question_that_is_refused_says_nothing_of_the_request(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": "reset_after"}])
    dispatch.drain(target.pk)
    group = the_request(case).group
    an_hour_passes()
    good = target.base_url
    Processor.objects.update(base_url=good.replace("https://", "http://"))  # we refuse to call it
    dispatch.drain(target.pk)
    request = the_request(case)
    assert (request.status, request.outcome_unknown) == (RequestStatus.QUEUED, True)

    Processor.objects.update(base_url=good)
    an_hour_passes()
    dispatch.drain(target.pk)
    request = the_request(case)
    assert (request.status, request.group) == (RequestStatus.PENDING, group)
    assert calls(sandbox) == {"POST /v3/requests reset": 1, FOUND: 1}


def test_what_a_lane_gives_back_may_have_been_answered_meanwhile(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    cancellation.cancel(case, actor=actor("agnes"))
    (claimed,) = leases.claim(target)
    reconciling.refresh(claimed.pk)  # somebody else has asked: pending still
    leases.give_back([claimed])
    request = the_request(case)
    assert (request.lease_token, request.outcome_unknown) == (None, False)
    dispatch.drain(target.pk)
    assert there(sandbox, request) == ["cancelled"] == [the_request(case).status]


def finishes(sandbox: Sandbox, case: Case) -> None:
    """The processor is done with it, and we hear of it."""
    sandbox.advance(FIFTEEN_DAYS)
    reconciling.refresh(the_request(case).pk)
    assert the_request(case).status == RequestStatus.COMPLETED


def test_a_request_of_ours_in_the_way_is_named_and_waited_for(target: Processor, sandbox: Sandbox) -> None:
    first = approved_case(identities=[("email", "same@example.org")])
    dispatch.drain(target.pk)
    second = approved_case(identities=[("email", "same@example.org")])
    dispatch.drain(target.pk)
    request = the_request(second)
    assert (request.status, request.last_error) == (RequestStatus.QUEUED, "conflict")
    assert not request.outcome_unknown
    item = AttentionItem.objects.get(kind=AttentionKind.CONFLICT)
    assert first.reference in item.sentence.english
    second.refresh_from_db()
    assert second.status == CaseStatus.ATTENTION
    sweeping.sweep()
    run_woken()
    assert calls(sandbox) == {CREATED: 1, CONFLICT: 1}

    finishes(sandbox, first)
    sweeping.sweep()
    run_woken()
    assert the_request(second).status == RequestStatus.PENDING
    assert calls(sandbox) == {CREATED: 2, CONFLICT: 1, FOUND: 1}
    assert sandbox.state(str(request.pk))["posts"] == {str(request.pk): 2}
    item.refresh_from_db()
    assert item.resolution == "answered"
    second.refresh_from_db()
    assert second.status == CaseStatus.WORKING


def test_who_waits_for_another_is_left_alone_while_its_case_is_being_worked_on(
    target: Processor, sandbox: Sandbox
) -> None:
    first = approved_case(identities=[("email", "same@example.org")])
    dispatch.drain(target.pk)
    waiting = [approved_case(identities=[("email", "same@example.org")]) for _ in range(2)]
    dispatch.drain(target.pk)
    finishes(sandbox, first)
    held = the_request(waiting[0])
    with transaction.atomic():
        ProcessorRequest.objects.select_for_update().get(pk=held.pk)
        sweep = threading.Thread(target=release_and_close)
        sweep.start()
        sweep.join(10)
        assert not sweep.is_alive()  # it waits for nobody, so that nobody can wait for it in turn
    assert [the_request(case).next_attempt_at is None for case in waiting] == [False, True]
    failures.release_from_conflict()
    assert the_request(waiting[0]).next_attempt_at is None


def release_and_close() -> None:
    try:
        failures.release_from_conflict()
    finally:
        connection.close()


def test_a_foreign_request_in_the_way_is_waited_for_by_the_hour(target: Processor, sandbox: Sandbox) -> None:
    foreign = {
        "regulation": "gdpr",
        "subject_request_id": str(uuid4()),
        "subject_request_type": "erasure",
        "submitted_time": "2026-11-01T09:00:00Z",
        "subject_identities": {"email": {"value": "same@example.org", "encoding": "raw"}},
    }
    assert sandbox.call("POST", "/v3/requests", foreign)[0] == 201
    case = approved_case(identities=[("email", "same@example.org")])
    before = timezone.now()
    dispatch.drain(target.pk)
    request = the_request(case)
    assert (
        "that this portal did not send"
        in AttentionItem.objects.get(kind=AttentionKind.CONFLICT).sentence.english
    )
    assert request.next_attempt_at is not None
    assert request.next_attempt_at >= before + timedelta(hours=1)
    sandbox.advance(FIFTEEN_DAYS)
    sweeping.sweep()
    run_woken()
    assert calls(sandbox) == {CREATED: 1, CONFLICT: 1}  # nobody tells us when it is out of the way

    an_hour_passes()
    sweeping.sweep()
    run_woken()
    assert the_request(case).status == RequestStatus.PENDING
    assert calls(sandbox) == {CREATED: 2, CONFLICT: 1}


def test_what_is_refused_says_nothing_of_an_attempt_whose_answer_was_lost(
    target: Processor, sandbox: Sandbox
) -> None:
    """Leanplum may have erased the person at the first attempt: that the third finds nobody is no “nothing held”."""
    app = leanplum(sandbox)
    customer = ("controller_customer_id", "c-881")
    sandbox.switches(strangers="unknown", leanplum_erasure_seconds=0)
    sandbox.person(identities=dict([customer]), app=0)
    case = ready_case(identities=[customer])
    change_plan.change(
        case, actor=actor("agnes"), left_out={target.pk: "no_data_there"}, skip_waiting_period=False
    )
    approval.approve(
        Case.objects.get(pk=case.pk), actor=actor("pia"), digest=planning.digest(Case.objects.get(pk=case.pk))
    )
    sandbox.faults([{"path": "/leanplum/api", "fault": "reset_after"}])
    dispatch.drain(app.pk)
    ProcessorRequest.objects.update(next_attempt_at=None)
    (claimed,) = leases.claim(app)
    failures.record(claimed, Rejected(Sentence("They say no.")))
    request = ProcessorRequest.objects.get(status=RequestStatus.FAILED)
    retrying.retry(case, actor=actor("agnes"))
    dispatch.drain(app.pk)
    request.refresh_from_db()
    assert (request.status, request.answer) == (RequestStatus.COMPLETED, Answer.DONE)
    assert "earlier attempt" in request.remark
