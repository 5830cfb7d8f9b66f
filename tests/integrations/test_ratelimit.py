"""The call budget as a worker meets it, on the store's own clock, and a 429 as it comes."""

import threading
import time
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from django.utils import timezone
from pytest_django import Settings

from integrations import budget_store, http, ratelimit
from integrations.budget_store import pace
from integrations.errors import NotSent, RateLimited
from integrations.models import Processor
from integrations.types import Limit
from tests.integrations.odd_server import OddServer, answer


def limited(processor: Processor, calls_per_minute: int, share: int = 100) -> Processor:
    processor.limits, processor.budget_share = f"{calls_per_minute} calls in 60 s", share
    return processor


def get(processor: Processor, odd: OddServer, *, within_budget: bool = True) -> http.Answer:
    return http.call(processor, "GET", f"{odd.url}/v3/thing", template="/thing", within_budget=within_budget)


def slots_within(processor: Processor, seconds: float) -> list[int]:
    """The instants that a greedy worker is given in about so much time."""
    slots = [ratelimit.take(processor)]
    while slots[-1] - slots[0] < seconds * 1_000_000:
        slots.append(ratelimit.take(processor))
    return slots


def test_workers_share_one_budget(odd_processor: Processor) -> None:
    processor = limited(odd_processor, 6000)
    slots: list[int] = []
    workers = [threading.Thread(target=lambda: slots.extend(slots_within(processor, 0.5))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    gaps = [later - earlier for earlier, later in pairwise(sorted(slots))]
    assert min(gaps) >= pace(Limit(6000, 60), 100).interval


def test_processors_do_not_share(odd_processor: Processor) -> None:
    other = Processor(kind="mparticle", name="Other", account="1", limits="1 calls in 60 s")
    ratelimit.take(limited(odd_processor, 1))
    ratelimit.take(other)


def test_a_wait_of_more_than_two_seconds_is_refused_with_its_length(odd_processor: Processor) -> None:
    processor = limited(odd_processor, 2)  # one in 30 s
    ratelimit.take(processor)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(RateLimited) as refusal:
            ratelimit.take(processor)
        # What is refused is not taken: the wait does not grow with each attempt.
        # One in 30 s, and at the foot of the ramp a fifth of that.
        assert refusal.value.retry_after_seconds == pytest.approx(53.7, abs=1)
        assert refusal.value.scope == "portal"
    assert time.monotonic() - began < 0.5


def test_a_short_wait_is_slept(odd_processor: Processor) -> None:
    processor = limited(odd_processor, 300)  # five a second, and one a second at first
    first = ratelimit.take(processor)
    began = time.monotonic()
    second = ratelimit.take(processor)
    assert 0.9 < (second - first) / 1_000_000 <= 1.0
    assert time.monotonic() - began > 0.8


def test_a_429_holds_every_worker_back(odd_processor: Processor) -> None:
    ratelimit.penalise(odd_processor, 20.0)
    with pytest.raises(RateLimited) as refusal:
        ratelimit.take(odd_processor)
    assert refusal.value.retry_after_seconds == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    ("said", "held"),
    [(None, ratelimit.USUAL_PENALTY_SECONDS), (8 * 3600.0, budget_store.LONGEST_PENALTY_SECONDS)],
)
def test_a_429_without_or_with_an_hours_long_wait(
    odd_processor: Processor, said: float | None, held: float
) -> None:
    ratelimit.penalise(odd_processor, said)
    with pytest.raises(RateLimited) as refusal:
        ratelimit.take(odd_processor)
    assert refusal.value.retry_after_seconds == pytest.approx(held, abs=1)


def test_a_penalty_never_shortens_a_wait(odd_processor: Processor) -> None:
    ratelimit.penalise(odd_processor, 60.0)
    ratelimit.penalise(odd_processor, 3.0)
    with pytest.raises(RateLimited) as refusal:
        ratelimit.take(odd_processor)
    assert refusal.value.retry_after_seconds == pytest.approx(60, abs=1)


def test_no_call_goes_uncounted_when_the_store_cannot_be_asked(
    odd_processor: Processor, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(NotSent):
        ratelimit.take(odd_processor)
    ratelimit.penalise(odd_processor, 1.0)  # and this is not worth failing for


@pytest.mark.parametrize(
    ("headers", "seconds", "scope"),
    [
        ({"Retry-After": "30"}, 30.0, ""),
        ({"Retry-After": "1.5", "X-mp-rate-limit-exceeded": "workspace"}, 1.5, "workspace"),
        ({"Retry-After": '"7"', "X-mp-rate-limit-exceeded": '"acceleration"'}, 7.0, "acceleration"),
        ({"RetryAfter": "4"}, 4.0, ""),
        ({"Retry-After": "-5"}, 0.0, ""),
        ({"Retry-After": "999999999"}, 86400.0, ""),
        ({"Retry-After": "nan"}, None, ""),
        ({"Retry-After": "inf"}, None, ""),
        ({"Retry-After": "soon"}, None, ""),
        ({"Retry-After": ""}, None, ""),
        ({"X-mp-rate-limit-exceeded": "<script>"}, None, ""),
        ({}, None, ""),
    ],
)
def test_a_429_says_for_how_long_and_what_is_used_up(
    odd_processor: Processor, odd: OddServer, headers: dict[str, str], seconds: float | None, scope: str
) -> None:
    odd.replies.append(answer(429, b"{}", headers))
    with pytest.raises(RateLimited) as refusal:
        get(odd_processor, odd)
    assert (refusal.value.retry_after_seconds, refusal.value.scope) == (seconds, scope)
    assert refusal.value.http_status == 429


def test_a_429_may_name_a_date(odd_processor: Processor, odd: OddServer) -> None:
    when = format_datetime(timezone.now() + timedelta(seconds=90), usegmt=True)
    odd.replies.append(answer(429, b"", {"Retry-After": when}))
    with pytest.raises(RateLimited) as refusal:
        get(odd_processor, odd)
    assert refusal.value.retry_after_seconds == pytest.approx(90, abs=2)


def test_a_429_holds_the_next_call_back_before_it_is_sent(odd_processor: Processor, odd: OddServer) -> None:
    odd.replies.append(answer(429, b"", {"Retry-After": "30"}))
    for _ in range(2):
        with pytest.raises(RateLimited):
            get(odd_processor, odd)
    assert len(odd.requests) == 1


def test_each_call_takes_from_the_budget_unless_it_is_outside_it(
    odd_processor: Processor, odd: OddServer
) -> None:
    odd_processor.limits, odd_processor.budget_share = "1 calls in 60 s", 100
    odd.replies.extend([answer(200)] * 2)
    get(odd_processor, odd)
    with pytest.raises(RateLimited):
        get(odd_processor, odd)
    get(odd_processor, odd, within_budget=False)
    assert len(odd.requests) == 2
