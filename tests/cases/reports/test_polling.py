"""When a request is asked for: an hour after the last word, and sooner where something is about to happen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from cases import jobs, schedule
from cases.models import ProcessorRequest
from cases.services.dispatch import cancellation, dispatch
from cases.services.reports import polling
from dsrportal.queueing import store
from integrations.models import Processor
from tests.builders import actor, approved_case, processor
from tests.sandbox import Sandbox

# The next Tuesday that begins, so that nothing is near by itself; the sandbox counts its days from today.
TODAY = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
TUESDAY = TODAY + timedelta(days=1 + -TODAY.weekday() % 7)
THURSDAY = TUESDAY + timedelta(days=2)


@pytest.fixture
def tuesday() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(TUESDAY) as coordinates:
        yield coordinates


def sent(target: Processor, *, heard: bool = True, **more: Any) -> ProcessorRequest:
    """A request with its processor; where it was `heard` of, a first callback has come a second after."""
    case = approved_case(**more)
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.select_related("case").get(case=case)
    assert request.reported_at is not None
    if heard:
        ProcessorRequest.objects.filter(pk=request.pk).update(
            reported_at=request.reported_at + timedelta(seconds=1)
        )
    return request


def asked(sandbox: Sandbox) -> int:
    """GETs of the sandbox so far."""
    return sum(count for call, count in sandbox.state()["calls"].items() if call.startswith("GET"))


def reports_ask(target: Processor, sandbox: Sandbox) -> int:
    before = asked(sandbox)
    jobs.report(str(target.pk))
    return asked(sandbox) - before


def test_an_hour_without_a_word_and_it_is_asked_for(
    target: Processor, sandbox: Sandbox, tuesday: time_machine.Traveller
) -> None:
    sent(target)
    tuesday.move_to(TUESDAY + timedelta(minutes=59))
    assert reports_ask(target, sandbox) == 0
    tuesday.move_to(TUESDAY + timedelta(minutes=61))
    assert [reports_ask(target, sandbox) for _ in range(2)] == [1, 0]


def test_where_no_first_callback_comes_it_is_asked_for_once(
    target: Processor, sandbox: Sandbox, tuesday: time_machine.Traveller
) -> None:
    sent(target, heard=False)
    tuesday.move_to(TUESDAY + timedelta(minutes=19))
    assert reports_ask(target, sandbox) == 0
    tuesday.move_to(TUESDAY + timedelta(minutes=21))
    assert reports_ask(target, sandbox) == 1
    tuesday.move_to(TUESDAY + timedelta(minutes=50))
    assert reports_ask(target, sandbox) == 0


@pytest.mark.parametrize(
    ("kind", "day", "calls"),
    [("access", THURSDAY, 1), ("portability", THURSDAY, 1), ("erasure", THURSDAY, 0), ("access", TUESDAY, 0)],
)
def test_what_is_gathered_on_mondays_and_thursdays_is_asked_for_every_quarter_of_an_hour_then(
    target: Processor, sandbox: Sandbox, kind: str, day: datetime, calls: int
) -> None:
    sandbox.switches(expected_completion="null")
    with time_machine.travel(day) as clock:
        sent(target, type=kind)
        clock.move_to(day + timedelta(minutes=16))
        assert reports_ask(target, sandbox) == calls


def test_from_two_days_before_its_expected_completion_it_is_asked_for_every_quarter_of_an_hour(
    target: Processor, sandbox: Sandbox, tuesday: time_machine.Traveller
) -> None:
    request = sent(target)
    quarter = TUESDAY + timedelta(minutes=16)
    for expected, calls in ((timedelta(hours=49), 0), (timedelta(hours=48), 1), (timedelta(hours=-9), 1)):
        heard = {"expected_completion_at": quarter + expected, "reported_at": TUESDAY}
        ProcessorRequest.objects.filter(pk=request.pk).update(**heard, sent_at=TUESDAY - timedelta(days=9))
        tuesday.move_to(quarter)
        assert polling.due(target, now=timezone.now()).count() == calls


def test_a_cancel_that_was_asked_for_is_followed_every_quarter_of_an_hour(
    target: Processor, sandbox: Sandbox, tuesday: time_machine.Traveller
) -> None:
    request = sent(target)
    cancellation.cancel(request.case, actor=actor("agnes"))
    tuesday.move_to(TUESDAY + timedelta(minutes=14))
    assert reports_ask(target, sandbox) == 0
    tuesday.move_to(TUESDAY + timedelta(minutes=16))
    assert reports_ask(target, sandbox) == 1


def test_what_is_finished_or_elsewhere_is_not_asked_for(target: Processor, sandbox: Sandbox) -> None:
    sent(target)
    sandbox.advance(15 * 24 * 3600)
    later = timezone.now() + timedelta(hours=2)
    assert not polling.due(processor(sandbox, workspace=1), now=later).exists()
    with time_machine.travel(later) as clock:
        jobs.report(str(target.pk))
        clock.shift(timedelta(days=1))
        assert not polling.is_anything_due(target, now=timezone.now())


def test_the_schedule_knocks_where_something_is_due_and_nowhere_else(
    target: Processor, sandbox: Sandbox
) -> None:
    sent(target)
    knock = f"portal:waiting:cases.jobs.report:{target.pk}"
    jobs.reports()
    assert not store().exists(knock)
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        jobs.reports()
    assert store().exists(knock)


def test_a_short_interval_shortens_everything(settings: Settings) -> None:
    settings.REPORT_INTERVAL_SECONDS = 4
    assert polling.near_interval() == polling.rest() == timedelta(seconds=1)
    assert polling.first_word() == timedelta(seconds=4 / 3)
    assert polling.interval() == timedelta(seconds=4)


def test_the_schedule_looks_every_minute() -> None:
    (every,) = {seconds for name, _job, seconds in schedule.ENTRIES if name == "reports"}
    assert every == 60
