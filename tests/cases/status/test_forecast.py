"""Which cases will miss their legal date although it has not come: processors' longest, and our own queue before it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services import progress, transition
from cases.services.dispatch import dispatch, send_times
from cases.services.dispatch.send_times import SendTimes
from cases.services.processors import accounts
from cases.services.reports import reconciling
from cases.services.status import forecast
from dsrportal.queueing import store
from integrations import budget
from integrations.errors import NotSent
from integrations.models import Processor
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.sandbox import Sandbox

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
# The last of January: a month later there is no such day, and the last of February is a Saturday.
MONTH_END = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
_numbers = count()


def due_at(case: Case) -> datetime:
    return case.clocks.get().due_at


def late(case: Case, now: datetime) -> bool:
    """Whether it is at risk; its page and the list must say the same."""
    case.refresh_from_db()
    ahead = forecast.predict(case, now=now)
    listed = forecast.at_risk(now=now).filter(pk=case.pk).exists()
    assert listed == (ahead is not None and ahead.at_risk)
    return listed


def sentence(case: Case, now: datetime) -> str:
    case.refresh_from_db()
    ahead = forecast.predict(case, now=now)
    assert ahead is not None
    return str(ahead.sentence)


def queued_case(received_at: datetime) -> Case:
    """Of a person of its own."""
    return approved_case(received_at=received_at, identities=[("email", f"p{next(_numbers)}@example.org")])


# --- not approved yet


@pytest.mark.parametrize("make", [open_case, ready_case])
@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({"type": "erasure"}, 21),
        ({"type": "erasure", "skip_waiting_period": True}, 14),
        ({"type": "access"}, 6),
        ({"type": "portability"}, 6),
    ],
)
def test_what_is_not_approved_takes_the_longest_from_now(
    target: Processor, make: Callable[..., Case], asked: dict[str, object], days: int
) -> None:
    case = make(received_at=MONTH_END, **asked)
    # Monday 2 March ends in Berlin at 23:00 UTC.
    assert due_at(case) == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
    assert not late(case, due_at(case) - days * DAY - SECOND)
    assert late(case, due_at(case) - days * DAY)
    assert late(case, due_at(case) - SECOND)
    # From then on it is overdue, which is another list.
    assert not late(case, due_at(case))


def test_it_says_when_and_what_helps(target: Processor) -> None:
    fresh, ready = (make(received_at=MONTH_END) for make in (open_case, ready_case))
    now = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)
    begin = "Due on 02 Mar 2026, but Sandbox 0 may not respond until 13 Mar 2026."
    skipping = "“Change plan” can skip the waiting period."
    assert sentence(fresh, now) == (
        f"{begin} Verify and approve the case as soon as possible. Every day counts. {skipping}"
    )
    assert (
        sentence(ready, now) == f"{begin} Approve the case as soon as possible. Every day counts. {skipping}"
    )
    early = datetime(2026, 2, 1, tzinfo=UTC)
    assert (
        sentence(ready, early) == "All responses are expected by 22 Feb 2026. The case is due on 02 Mar 2026."
    )


def test_what_failed_takes_the_longest_once_more(target: Processor) -> None:
    case = approved_case(received_at=MONTH_END)
    with progress.locked(case.pk) as locked:
        request = ProcessorRequest.objects.select_related("processor").get(case=locked)
        request.case = locked
        transition.move_request(request, RequestStatus.FAILED, actor=actor("agnes"))
        progress.settle(locked, actor=actor("agnes"))
    assert late(case, due_at(case) - 21 * DAY)
    assert not late(case, due_at(case) - 21 * DAY - SECOND)
    assert "Retry what has failed as soon as possible." in sentence(case, due_at(case) - DAY)


# --- at the processor


def test_in_flight_the_processor_s_own_word_counts(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    now, due = timezone.now(), due_at(case)
    assert not late(case, now)
    for expected, at_risk in ((due - SECOND, False), (due, True), (due + DAY, True)):
        ProcessorRequest.objects.update(expected_completion_at=expected)
        assert late(case, now) is at_risk
    assert "This cannot be accelerated. Inform the requester in time." in sentence(case, now)


def test_where_it_said_nothing_its_longest_counts_from_the_sending(
    target: Processor, sandbox: Sandbox
) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    now, due = timezone.now(), due_at(case)
    for sent_at, at_risk in ((due - 21 * DAY - SECOND, False), (due - 21 * DAY, True)):
        ProcessorRequest.objects.update(expected_completion_at=None, sent_at=sent_at)
        assert late(case, now) is at_risk


def test_the_last_of_several_processors_decides(target: Processor, sandbox: Sandbox) -> None:
    other = processor(sandbox, workspace=1)
    case = approved_case()
    dispatch.drain(target.pk)
    dispatch.drain(other.pk)
    ProcessorRequest.objects.filter(processor=other).update(expected_completion_at=due_at(case))
    assert late(case, timezone.now())
    assert "but Sandbox 1 may not respond until" in sentence(case, timezone.now())


def test_answered_it_is_at_no_risk(target: Processor, sandbox: Sandbox) -> None:
    case = approved_case()
    dispatch.drain(target.pk)
    sandbox.advance(30 * 24 * 3600)
    reconciling.refresh(ProcessorRequest.objects.get().pk)
    case.refresh_from_db()
    assert case.status == CaseStatus.REVIEW
    assert forecast.predict(case, now=due_at(case) - SECOND) is None
    assert not late(case, due_at(case) - SECOND)


# --- in our own queue


@pytest.fixture
def slow(transactional_db: None) -> Processor:
    """Eight new requests a day: 80 % of ten."""
    return processor(limits="10 new requests in 24 h")


def test_the_queue_before_it_counts(slow: Processor) -> None:
    for _each in range(20):
        queued_case(MONTH_END - 10 * DAY)
    case = queued_case(MONTH_END)
    first = Case.objects.earliest("pk")
    leaves_in = timedelta(seconds=forecast.sending_seconds(slow, 0))
    assert DAY < leaves_in < 4 * DAY
    now = due_at(case) - 21 * DAY - leaves_in
    # The queue moves while this test looks at it, so the bound is not to the second.
    assert not late(case, now - 2 * timedelta(hours=1))
    assert late(case, now + timedelta(hours=1))
    # What is due before it goes before it, but not the other way round.
    assert (send_times.queued(slow, due_by=due_at(first)), send_times.queued(slow)) == (20, 21)
    assert late(first, due_at(first) - 21 * DAY)
    assert "The request is sent as soon as the budget allows." in sentence(case, now + timedelta(hours=1))


def test_a_paused_processor_is_reckoned_as_if_resumed_now_and_said_to_be_paused(slow: Processor) -> None:
    case = queued_case(MONTH_END)
    accounts.pause(slow, actor=actor("ivy"), reason="maintenance")
    assert not late(case, due_at(case) - 22 * DAY)
    assert late(case, due_at(case) - 20 * DAY)
    assert "The processor is paused, and every day adds to the delay." in sentence(
        case, due_at(case) - 20 * DAY
    )


def test_without_the_store_the_queue_is_left_out_and_that_is_said(
    slow: Processor, settings: Settings
) -> None:
    for _each in range(20):
        queued_case(MONTH_END - 10 * DAY)
    case = queued_case(MONTH_END)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert not late(case, due_at(case) - 21 * DAY - SECOND)
    assert late(case, due_at(case) - 21 * DAY)
    assert "The queue is not included because the queue store is not responding." in sentence(
        case, due_at(case) - 21 * DAY
    )
    with pytest.raises(NotSent):
        forecast.sending_seconds(slow, 1)


def test_a_bulk_approval_can_ask_how_long_it_will_take(slow: Processor) -> None:
    queued_case(MONTH_END)
    assert forecast.sending_seconds(slow, 1) < 3600
    assert forecast.sending_seconds(slow, 100) == pytest.approx(budget.seconds_for(slow, 101), rel=0.01)
    assert forecast.sending_seconds(slow, 100) > 10 * 24 * 3600


def test_a_store_that_forgot_the_long_counts_is_given_them_back(slow: Processor) -> None:
    ProcessorRequest.objects.filter(case=queued_case(MONTH_END)).update(
        status=RequestStatus.PENDING, sent_at=timezone.now()
    )
    store().flushdb()
    assert forecast.sending_seconds(slow, 8) > 3600


def test_a_queue_of_many_due_dates_is_asked_about_at_few_points(slow: Processor) -> None:
    case = approved_case(identities=[("email", f"q{number}@example.org") for number in range(150)])
    begin = timezone.now()
    for number, request in enumerate(ProcessorRequest.objects.filter(case=case)):
        ProcessorRequest.objects.filter(pk=request.pk).update(due_at=begin + number * DAY)
    steps = send_times.estimate(slow, now=begin).steps
    assert len(steps) <= send_times.POINTS
    assert steps[-1][0] == begin + 149 * DAY
    assert [seconds for _until, seconds in steps] == sorted(seconds for _until, seconds in steps)


@given(
    gaps=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 20)), max_size=12),
    longest=st.integers(0, 40),
    due=st.integers(-5, 400),
)
def test_the_spans_of_a_queue_hold_exactly_what_leaves_too_late(
    gaps: list[tuple[int, int]], longest: int, due: int
) -> None:
    until, leaves = MONTH_END, 0.0
    steps = []
    for days, more in gaps:
        until, leaves = until + days * DAY, leaves + more * 86400.0
        steps.append((until, leaves))
    queue = SendTimes(MONTH_END, tuple(steps))
    due_date = MONTH_END + due * DAY
    spans = queue.too_late(longest * DAY, now=MONTH_END)
    too_late = MONTH_END + timedelta(seconds=queue.seconds(due_date)) + longest * DAY >= due_date
    held = [after for after, end in spans if (after is None or after < due_date) and due_date <= end]
    assert len(held) == int(too_late)
