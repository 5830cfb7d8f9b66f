"""The limiter, over the real queue store."""

from typing import Any

import pytest
from django.conf import settings
from redis.exceptions import RedisError

from dsrportal import limiter
from dsrportal.queueing import store

THREE = {"most": 3, "within_seconds": 60}


def move(key: str, *, seconds: int) -> None:
    """Have everything counted so far have happened so many seconds later."""
    members: Any = store().zrange(f"limit:{key}", 0, -1)
    for member in members:
        store().zincrby(f"limit:{key}", seconds * 1_000_000, member)


def test_so_many_pass_and_the_next_waits() -> None:
    assert [limiter.take("a", **THREE) for _ in range(3)] == [0, 0, 0]
    assert 1 <= limiter.take("a", **THREE) <= 60
    assert limiter.take("b", **THREE) == 0


def test_looking_counts_nothing() -> None:
    assert [limiter.wait_seconds("a", **THREE) for _ in range(5)] == [0] * 5
    assert [limiter.take("a", **THREE) for _ in range(3)] == [0, 0, 0]
    assert 1 <= limiter.wait_seconds("a", **THREE) <= 60


@pytest.mark.parametrize("seconds", [-60, 5])
def test_what_is_over_and_what_lies_ahead_of_the_clock_count_no_more(seconds: int) -> None:
    assert [limiter.take("a", **THREE) for _ in range(3)] == [0, 0, 0]
    move("a", seconds=seconds)
    assert limiter.take("a", **THREE) == 0


def test_who_waits_is_told_when_the_next_may_pass() -> None:
    assert [limiter.take("a", **THREE) for _ in range(3)] == [0, 0, 0]
    move("a", seconds=-50)
    assert 9 <= limiter.take("a", **THREE) <= 10


def test_nothing_is_kept_for_longer_than_it_counts() -> None:
    limiter.take("a", **THREE)
    assert 0 < store().ttl("limit:a") <= 61


def test_a_store_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
        with pytest.raises(RedisError):
            limiter.take("a", **THREE)
