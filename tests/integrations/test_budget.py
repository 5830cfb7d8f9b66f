"""A budget's memory, what a vendor's refusals do to it, and a store that is gone."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from dsrportal.queueing import store
from integrations import budget, budget_store, http, ratelimit
from integrations.errors import BudgetForgotten, NotSent, RateLimited
from integrations.models import Processor
from tests.integrations.clockwork import SECOND, clockwork
from tests.integrations.odd_server import OddServer, answer

HOUR, DAY = 3600, 24 * 3600
SCALED = "1000 calls in 60 s\n267 new requests in 8 h\n800 new requests in 24 h"


def counts(processor: Processor) -> list[int]:
    return [used.count for used in budget.state(processor).new_requests]


@pytest.fixture
def forgotten(odd_processor: Processor) -> Processor:
    """A processor whose budget the store knows nothing of."""
    store().flushdb()
    odd_processor.limits = SCALED
    return odd_processor


# --- memory


def test_an_emptied_store_is_not_an_empty_window() -> None:
    with clockwork(limits=SCALED) as work:
        work.empty_store()
        with pytest.raises(BudgetForgotten):
            work.take(new_request=True)
        with pytest.raises(BudgetForgotten):
            work.state()
        with pytest.raises(BudgetForgotten):
            budget.seconds_for(work.processor, 1)
        work.take()  # a call that is none of them goes on


def test_what_was_sent_comes_back_from_history_and_is_kept_to() -> None:
    with clockwork(limits=SCALED) as work:
        for _ in range(20):
            work.next(new_request=True)
            work.now += 900 * SECOND
        for _ in range(200):
            work.next(new_request=True)
        before = work.state()
        work.empty_store()
        budget.rebuild(work.processor, work.history())
        after = work.state()
        assert after.new_requests == before.new_requests
        assert [used.count for used in after.new_requests] == [213, 220]
        # The windows close and open again when they would have.
        assert after.new_request_wait_seconds == before.new_request_wait_seconds > 0
        # The calls of the last minute are not known: the ramp begins at its foot.
        assert after.effort == 20


def test_history_outside_the_window_is_dropped_and_the_future_is_now(forgotten: Processor) -> None:
    now = timezone.now()
    sent = [
        (now - timedelta(hours=25), 1000),
        (now - timedelta(hours=9), 30),
        (now - timedelta(minutes=1), 4),
        (now + timedelta(hours=3), 2),
        (datetime(2001, 1, 1, tzinfo=UTC), 5),
    ]
    budget.rebuild(forgotten, iter(sent))
    assert counts(forgotten) == [6, 36]


def test_a_second_rebuild_changes_nothing_and_a_new_window_is_asked_for_alone(
    forgotten: Processor,
) -> None:
    now = timezone.now()
    budget.rebuild(forgotten, [(now, 5)])
    budget.rebuild(forgotten, [(now, 7)])
    assert counts(forgotten) == [5, 5]
    forgotten.limits = "9 new requests in 4 h\n800 new requests in 24 h"
    with pytest.raises(BudgetForgotten):
        counts(forgotten)
    budget.rebuild(forgotten, [(now, 7)])
    assert counts(forgotten) == [7, 5]


def test_of_rebuilds_at_once_one_counts(forgotten: Processor) -> None:
    now, ready = timezone.now(), threading.Barrier(8)

    def rebuild(count: int) -> None:
        ready.wait()
        budget.rebuild(forgotten, [(now, count), (now - timedelta(hours=1), count)])

    threads = [threading.Thread(target=rebuild, args=(10 + number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shorter, longer = counts(forgotten)
    assert shorter == longer
    assert shorter in {2 * (10 + number) for number in range(8)}


def test_nothing_stays_in_the_store_for_ever(odd_processor: Processor) -> None:
    budget.rebuild(odd_processor, [])
    ratelimit.take(odd_processor, new_request=True)
    ratelimit.penalise(odd_processor, 1.0, scope="account")
    lives = {key: store().ttl(key) for key in store().keys("budget:*")}
    assert len(lives) == 5
    assert all(seconds > 0 for seconds in lives.values())
    # A window that nobody used for so long is rebuilt from history, like one that was lost.
    assert sorted(lives.values())[-1] == pytest.approx(DAY + 7 * DAY, abs=5)


def test_without_the_store_nothing_is_sent_and_nothing_else_breaks(
    odd_processor: Processor, odd: OddServer, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(NotSent):
        http.call(odd_processor, "POST", f"{odd.url}/v3/requests", template="/requests", new_request=True)
    with pytest.raises(NotSent):
        budget.state(odd_processor)
    with pytest.raises(NotSent):
        budget.seconds_for(odd_processor, 5)
    with pytest.raises(NotSent):
        budget.rebuild(odd_processor, [])
    ratelimit.heed(odd_processor, 100.0)
    assert odd.requests == []


# --- what the vendor says


@pytest.mark.parametrize(("scope", "effort"), [("acceleration", 20), ("workspace", 60), ("", 60)])
def test_a_refusal_slows_down_and_one_for_acceleration_starts_again(scope: str, effort: int) -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        for _ in range(1000):
            work.next()
        # All lanes meet it at about the same time.
        for _ in range(5):
            ratelimit.penalise(work.processor, 10.0, scope=scope)
        assert work.state().effort == pytest.approx(effort, abs=1)
        assert work.wait_for() == 10.0


@pytest.mark.parametrize(
    ("scope", "shared"),
    [("org", True), ("account", True), ("system", True), ("workspace", False), ("app", False), ("", False)],
)
def test_a_refusal_for_all_of_us_stops_every_processor_of_the_host(scope: str, shared: bool) -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        beside = work.new_processor(limits="1000 calls in 60 s")
        elsewhere = work.new_processor(limits="1000 calls in 60 s", host="other.example")
        for processor in (beside, elsewhere):
            budget.rebuild(processor, [])
        ratelimit.penalise(work.processor, 30.0, scope=scope)
        ratelimit.penalise(work.processor, 5.0, scope=scope)
        assert work.wait_for() == 30.0
        assert budget.state(beside).wait_seconds == (30.0 if shared else 0.0)
        assert budget.state(elsewhere).wait_seconds == 0.0
        work.empty_store()


def test_hours_of_waiting_that_a_new_request_is_told_hold_new_requests_alone() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        ratelimit.penalise(work.processor, 3 * HOUR, scope="workspace", new_request=True)
        assert work.wait_for(new_request=True) == 3 * HOUR
        assert work.take() == work.now
        work.now += 3 * HOUR * SECOND
        assert work.take(new_request=True) == work.now


def test_hours_of_waiting_that_another_call_is_told_are_cut_short() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        ratelimit.penalise(work.processor, 3 * HOUR)
        assert work.wait_for() == budget_store.LONGEST_PENALTY_SECONDS


def test_someone_else_on_the_same_account_makes_us_slower_once_a_second() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        for _ in range(1000):
            work.next()
        ratelimit.heed(work.processor, 85.0)  # five points are within what our own share explains
        assert work.state().effort == 100
        for _ in range(4):
            ratelimit.heed(work.processor, 85.1)
        assert work.state().effort == 80
        work.now += SECOND
        ratelimit.heed(work.processor, 100.0)
        assert work.state().effort == pytest.approx(58, abs=2)


@pytest.mark.parametrize(
    ("status", "used", "heeded"),
    [(200, "97", True), (404, '"97"', True), (201, "97%", True), (200, "85", False), (200, "many", False)],
)
def test_every_answer_tells_how_much_is_used(
    odd_processor: Processor, odd: OddServer, status: int, used: str, heeded: bool
) -> None:
    odd.replies.append(answer(status, b"{}", {"X-mp-rate-limit-percentage-used": used}))
    with clockwork(limits="1000 calls in 60 s") as work:
        work.processor.base_url, work.processor.extra_tls_roots = (
            f"{odd.url}/v3",
            odd_processor.extra_tls_roots,
        )
        for _ in range(400):
            work.next()
        before = work.state().effort
        http.call(work.processor, "GET", f"{odd.url}/v3/thing", template="/thing")
        assert work.state().effort - before == (
            pytest.approx(-20, abs=1) if heeded else pytest.approx(0, abs=1)
        )


def test_a_refused_new_request_is_remembered_as_one(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(answer(429, b"{}", {"Retry-After": "7200"}))
    odd.replies.append(answer(200))
    budget.rebuild(odd_processor, [])
    address = f"{odd.url}/v3/requests"
    for _ in range(2):
        with pytest.raises(RateLimited) as refusal:
            http.call(odd_processor, "POST", address, template="/requests", new_request=True)
        assert refusal.value.retry_after_seconds == pytest.approx(7200, abs=10)
    assert http.call(odd_processor, "GET", address, template="/requests").status == 200
    assert len(odd.requests) == 2


# --- how it stands


def test_the_state_shows_each_window_as_it_is_kept(odd_processor: Processor) -> None:
    odd_processor.limits = SCALED
    budget.rebuild(odd_processor, [])
    ratelimit.take(odd_processor)
    ratelimit.take(odd_processor, new_request=True)
    state = budget.state(odd_processor)
    assert [(used.limit.seconds, used.share, used.count) for used in (state.calls, *state.new_requests)] == [
        (60, 800, 2),
        (8 * HOUR, 213, 1),
        (DAY, 640, 1),
    ]
    assert 20 <= state.effort <= 22
    assert 0 < state.wait_seconds <= 0.4
    assert state.new_request_wait_seconds > 0
