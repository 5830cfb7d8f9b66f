"""What the limiter gives, over any order of events and over days: no window above its share, and hardly below."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations import budget, ratelimit
from integrations.budget_store import pace
from integrations.errors import BudgetForgotten, RateLimited
from integrations.types import Limit
from tests.integrations.clockwork import SECOND, START, Clockwork, clockwork
from tests.integrations.windows import fullest

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
SCALED = "1000 calls in 60 s\n267 new requests in 8 h\n800 new requests in 24 h"

LIMITS = st.sampled_from(
    [
        "10 calls in 10 s\n5 new requests in 60 s\n7 new requests in 100 s",
        "100 calls in 2 s\n40 new requests in 8 s\n90 new requests in 24 s",
        "40 calls in 4 s\n30 new requests in 5 s",
        "1 calls in 7 s\n1 new requests in 7 s",
        "1000 calls in 60 s\n13 new requests in 61 s",
        "700 calls in 1 s\n300 new requests in 13 s",
    ]
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(1, 60)),
        st.tuples(st.just("new"), st.integers(1, 60)),
        st.tuples(st.just("at the time named"), st.integers(1, 12)),
        st.tuples(st.just("steadily"), st.integers(1, 60)),
        st.tuples(st.just("pass"), st.floats(0.0, 40.0)),
        st.tuples(st.just("pass"), st.floats(0.0, 0.3)),
        st.tuples(st.just("refused"), st.sampled_from(["acceleration", "workspace", "account", ""])),
        st.tuples(st.just("used"), st.integers(50, 130)),
        st.tuples(st.just("emptied"), st.just(0)),
    ),
    max_size=40,
)


def act(work: Clockwork, what: str, much: float | str) -> None:
    if what == "pass":
        work.now += round(float(much) * SECOND)
    elif what in ("steadily", "at the time named"):
        for _ in range(int(much)):
            work.next(new_request=what == "at the time named")
    elif what == "refused":
        ratelimit.penalise(work.processor, 1.8, scope=str(much), new_request=True)
    elif what == "used":
        ratelimit.heed(work.processor, float(much))
    elif what == "emptied":
        work.empty_store()
        budget.rebuild(work.processor, work.history())
    else:
        for _ in range(int(much)):
            try:
                work.take(new_request=what == "new")
            except RateLimited:
                break


@settings(max_examples=150, deadline=None)
@given(limits=LIMITS, share=st.sampled_from([100, 80, 33, 1]), events=EVENTS)
@example(
    limits="40 calls in 4 s\n30 new requests in 5 s",
    share=33,
    events=[("new", 3), ("emptied", 0), ("at the time named", 9)],
)
def test_no_window_holds_more_than_the_share_whatever_happens(
    limits: str, share: int, events: list[tuple[str, float | str]]
) -> None:
    with clockwork(limits=limits, share=share) as work:
        emptied = False
        for what, much in events:
            act(work, what, much)
            emptied = emptied or what == "emptied"
        state = work.state()
        for used in state.new_requests:
            assert fullest(sorted(work.new_requests), used.limit.seconds) <= used.share
        # Of the calls nothing is known to rebuild; they start at the foot of the ramp instead.
        if not emptied:
            assert fullest(sorted(work.calls), state.calls.limit.seconds) <= state.calls.share
        work.empty_store()


@pytest.mark.parametrize(
    ("limit", "share"),
    [(1000, 80), (1000, 100), (60, 50), (7, 100), (2, 100), (1, 100), (1, 1), (100_000, 80)],
)
def test_the_pace_wastes_hardly_anything_of_the_share(limit: int, share: int) -> None:
    interval, tolerance, _ramp = pace(Limit(limit, 60), share)
    allowed = max(1, limit * share // 100)
    # Half-open windows: the burst at once, then one an interval.
    most = -(-(60_000_000 + tolerance) // interval)
    assert allowed * 0.98 <= most <= allowed


def test_a_backlog_starts_at_a_fifth_and_is_at_the_full_pace_after_a_window() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        efforts = []
        for _ in range(2000):
            efforts.append(work.state().effort)
            work.next()
        minutes = [sum(at - START < end * MINUTE * SECOND for at in work.calls) for end in (1, 2)]
        assert efforts[0] == 20
        assert efforts == sorted(efforts)
        assert efforts[minutes[0]] == 100
        assert minutes[0] == pytest.approx(0.6 * 800, rel=0.02)
        assert minutes[1] - minutes[0] == pytest.approx(800, rel=0.02)
        full = pace(Limit(1000, 60), 80).interval
        assert work.calls[1] - work.calls[0] == pytest.approx(5 * full, rel=0.03)


def test_a_burst_goes_at_once_where_the_ramp_is_climbed_and_none_at_its_foot() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        first = [work.take() for _ in range(3)]
        assert all(later - earlier > 300_000 for earlier, later in pairwise(first))
        work.now = first[-1]
        for _ in range(1000):
            work.next()
        work.now += SECOND
        # Eight are a hundredth of the share; a second of idling has cost a little of it.
        assert 7 <= sum(work.take() == work.now for _ in range(20)) <= 8


def test_whoever_was_idle_for_a_window_is_at_the_foot_again() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        for _ in range(1000):
            work.next()
        assert work.state().effort == 100
        work.now += 30 * SECOND
        assert work.state().effort == pytest.approx(60, abs=1)
        work.now += 31 * SECOND
        assert work.state().effort == 20


def test_a_third_of_the_pace_all_day_is_never_made_to_wait() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        for _ in range(1000):
            work.now += SECOND // 4
            work.take()
        assert work.calls[-1] == work.now
        assert 20 < work.state().effort < 100


def test_days_at_full_speed_fill_every_window_and_overfill_none() -> None:
    with clockwork(limits=SCALED) as work:
        while work.now < START + 3 * DAY * SECOND:
            work.next(new_request=True)
        assert fullest(work.new_requests, 8 * HOUR) == 213
        assert fullest(work.new_requests, DAY) <= 640
        # What rounding against ourselves costs is a sixtieth.
        assert len(work.new_requests) >= 3 * 3 * 213 * 60 / 61


@pytest.mark.parametrize("count", [1, 2, 30, 213, 214, 700, 2000])
def test_how_long_so_many_take_is_foretold(count: int) -> None:
    with clockwork(limits=SCALED) as work:
        for _ in range(50):
            work.next()
        for _ in range(100):
            work.next(new_request=True)
        foretold, began = budget.seconds_for(work.processor, count), work.now
        for _ in range(count):
            work.next(new_request=True)
        assert (work.now - began) / SECOND == pytest.approx(foretold, rel=0.001, abs=2)


def test_nothing_takes_no_time_and_a_million_is_reckoned_at_once() -> None:
    with clockwork(limits="") as work:
        assert budget.seconds_for(work.processor, 0) == 0.0
        assert budget.seconds_for(work.processor, 1) == 0.0
        assert budget.seconds_for(work.processor, 1_000_000) / DAY == pytest.approx(
            1_000_000 / 63_996, rel=0.04
        )
    with clockwork(limits="100000000 calls in 60 s\n100000000 new requests in 24 h") as work:
        assert budget.seconds_for(work.processor, 1_000_000) < 20
    with clockwork(limits="1 new requests in 1 h") as work:
        # An hour and the sixtieth that it is rounded by, whichever of the two ends a bucket.
        assert 3600 <= budget.seconds_for(work.processor, 1_000_000) / 1_000_000 <= 3660


def test_the_wait_is_named_exactly_and_what_is_refused_is_not_taken() -> None:
    with clockwork(
        limits="60 calls in 60 s\n3 new requests in 1 h\n100 new requests in 2 h", share=100
    ) as work:
        for _ in range(3):
            work.next(new_request=True)
        work.now += 10 * SECOND
        before = work.state()
        wait = work.wait_for(new_request=True)
        assert 3540 < wait <= 3660
        assert work.state() == before
        assert before.new_request_wait_seconds == wait
        assert [used.count for used in before.new_requests] == [3, 3]
        # A call of another kind has no such wait.
        assert before.wait_seconds == 0
        work.take()
        work.now += round(wait * SECOND) - 3 * SECOND
        assert work.wait_for(new_request=True) == pytest.approx(3, abs=0.001)
        work.now += 3 * SECOND
        assert work.take(new_request=True) == work.now


@pytest.mark.parametrize("into_its_bucket", [0.0, 0.5, 0.99])
def test_a_bucket_leaves_its_window_whole_and_late_rather_than_early(into_its_bucket: float) -> None:
    with clockwork(limits="100000 calls in 60 s\n5 new requests in 60 s", share=100) as work:
        work.now += round(into_its_bucket * SECOND)
        began = work.now
        for _ in range(5):
            work.take(new_request=True)
        work.now = began + round(59.5 * SECOND)
        assert work.wait_for(new_request=True) == pytest.approx(61 - 59.5 - into_its_bucket, abs=0.001)
        work.now = START + 61 * SECOND
        assert work.take(new_request=True) == work.now


def test_after_a_pause_calls_go_on_at_their_pace_and_not_all_at_once() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        for _ in range(1000):
            work.next()
        ratelimit.penalise(work.processor, 1.5)
        slots = [work.take() for _ in range(6)]
        assert slots[0] == work.now + 1.5 * SECOND
        # Half the ramp is left, and of the burst of eight as much.
        assert slots.count(slots[0]) <= 4
        assert slots[-1] > slots[0]
        assert fullest(work.calls, 60) <= 800


def test_who_waits_for_a_long_window_holds_no_call_back() -> None:
    with clockwork(limits="100 calls in 2 s\n1 new requests in 8 s", share=100) as work:
        work.next(new_request=True)
        work.now += 7 * SECOND
        work.wait_for(new_request=True)
        assert work.take() == work.now


def test_a_call_takes_a_slot_two_seconds_ahead_and_no_further() -> None:
    with clockwork(limits="60 calls in 60 s", share=100) as work:
        work.take()
        assert work.wait_for() == pytest.approx(4.4, abs=0.1)
        work.now += 3 * SECOND
        assert work.take() - work.now == pytest.approx(1.4 * SECOND, abs=0.1 * SECOND)


def test_a_raised_limit_counts_at_once() -> None:
    with clockwork(limits="1 calls in 24 h") as work:
        work.take()
        assert work.wait_for() > DAY
        work.processor.limits = "1000 calls in 60 s"
        work.now += 6 * SECOND
        assert work.take() - work.now < 2 * SECOND


def given_in(work: Clockwork, seconds: int) -> int:
    """How many calls are given to one who asks again whenever told to."""
    until, before = work.now + seconds * SECOND, len(work.calls)
    while work.now < until:
        work.next()
    return len(work.calls) - before


@pytest.mark.parametrize(
    "limits", ["1 calls in 60 s", "10 calls in 60 s", "100 calls in 1 h", "1 calls in 24 h"]
)
def test_after_a_limit_was_raised_nobody_waits_for_the_old_pace(limits: str) -> None:
    with clockwork(limits=limits) as work:
        work.next()
        work.processor.limits = "1000 calls in 60 s"
        assert given_in(work, 60) > 400


@pytest.mark.parametrize("back", [5 * MINUTE, HOUR, 30 * DAY])
def test_a_clock_that_was_set_back_stops_nobody(back: int) -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        given_in(work, 2 * MINUTE)
        work.now -= back * SECOND
        assert given_in(work, MINUTE) > 400


def test_a_hold_of_a_time_to_come_ends_when_the_clock_is_set_back() -> None:
    with clockwork(limits="1000 calls in 60 s") as work:
        ratelimit.penalise(work.processor, 100.0, scope="account")
        ratelimit.penalise(work.processor, 8.0 * HOUR, new_request=True)
        work.now -= 2 * DAY * SECOND
        assert work.state().wait_seconds == 0
        assert work.state().new_request_wait_seconds == 0
        ratelimit.penalise(work.processor, 1.8)
        assert work.state().wait_seconds == pytest.approx(1.8)


def test_counts_of_a_time_to_come_are_forgotten_and_rebuilt() -> None:
    with clockwork(limits="1000 calls in 60 s\n10 new requests in 1 h\n20 new requests in 24 h") as work:
        work.next(new_request=True)
        before = work.history()
        work.now += 365 * DAY * SECOND
        for _ in range(8):
            work.next(new_request=True)
        work.now -= 365 * DAY * SECOND
        with pytest.raises(BudgetForgotten):
            work.take(new_request=True)
        budget.rebuild(work.processor, before)
        assert [used.count for used in work.state().new_requests] == [1, 1]
        assert work.take(new_request=True) - work.now < 2 * SECOND
