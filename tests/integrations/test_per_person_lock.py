"""One call at a time about one person, over the real queue store."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from redis import ConnectionPool

from dsrportal.crypto import blind_index
from dsrportal.queueing import store
from integrations import per_person_lock
from integrations.errors import NotSent, RateLimited
from integrations.models import Processor

ADA = "cust-ada-1815"


@pytest.fixture
def processor(db: None) -> Processor:
    return Processor.objects.create(kind="mparticle", name="Shop", account="1")


@pytest.fixture
def other_processor(db: None) -> Processor:
    return Processor.objects.create(kind="mparticle", name="Other shop", account="2")


def test_the_second_is_refused_while_the_first_is_at_it(processor: Processor) -> None:
    with (
        per_person_lock.turn(processor, ADA),
        pytest.raises(RateLimited) as failure,
        per_person_lock.turn(processor, ADA, patience_seconds=0),
    ):
        pytest.fail("two at once")
    assert failure.value.scope == "portal"
    assert failure.value.retry_after_seconds is not None
    assert 1 <= failure.value.retry_after_seconds <= 3
    with per_person_lock.turn(processor, ADA, patience_seconds=0):
        pass  # and free again


def test_others_do_not_wait(processor: Processor, other_processor: Processor) -> None:
    with (
        per_person_lock.turn(processor, ADA),
        per_person_lock.turn(processor, "cust-grace-1906", patience_seconds=0),
        per_person_lock.turn(other_processor, ADA, patience_seconds=0),
    ):
        assert len(store().keys("turn:*")) == 3


def test_the_store_holds_no_id(processor: Processor) -> None:
    with per_person_lock.turn(processor, ADA):
        keys = store().keys("*")
        kept = repr([(key, store().get(key)) for key in keys])
    assert "turn:" in kept
    assert ADA not in kept


def test_a_turn_that_fails_ends(processor: Processor) -> None:
    with pytest.raises(ZeroDivisionError), per_person_lock.turn(processor, ADA):
        raise ZeroDivisionError
    with per_person_lock.turn(processor, ADA, patience_seconds=0):
        pass


def test_the_turn_of_a_worker_that_died_ends_by_itself(processor: Processor) -> None:
    with per_person_lock.turn(processor, ADA):
        [key] = store().keys("turn:*")
        assert 0 < store().pttl(key) <= per_person_lock.LONGEST_SECONDS * 1000


def test_who_outlasted_the_turn_does_not_end_that_of_the_next(processor: Processor) -> None:
    with per_person_lock.turn(processor, ADA):
        store().flushdb()  # as if its time were over
        next_one = per_person_lock.turn(processor, ADA, patience_seconds=0)
        next_one.__enter__()
    with pytest.raises(RateLimited), per_person_lock.turn(processor, ADA, patience_seconds=0):
        pytest.fail("two at once")
    next_one.__exit__(None, None, None)


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_each_comes_to_its_turn_alone(processor: Processor) -> None:
    blind_index("turn", ADA)  # the threads find its key remembered, and need no connection of their own
    inside, most = 0, 0
    count = threading.Lock()
    all_there = threading.Barrier(6)

    def call(_: int) -> None:
        nonlocal inside, most
        all_there.wait(10)
        with per_person_lock.turn(processor, ADA, patience_seconds=30):
            with count:
                inside += 1
                most = max(most, inside)
            store().ping()
            with count:
                inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(6)))
    assert (most, inside) == (1, 0)


def test_without_the_store_nothing_is_sent(
    processor: Processor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
        with pytest.raises(NotSent) as failure, per_person_lock.turn(processor, ADA):
            pytest.fail("called without a turn")
    assert failure.value.__context__ is None
    assert ADA not in caplog.text


def test_a_store_that_goes_away_meanwhile_does_not_spoil_what_was_answered(
    processor: Processor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = ConnectionPool.from_url("redis://127.0.0.1:1/0")
    with monkeypatch.context() as patch, per_person_lock.turn(processor, ADA):
        patch.setattr(store(), "connection_pool", nowhere)
    with pytest.raises(RateLimited), per_person_lock.turn(processor, ADA, patience_seconds=0):
        pytest.fail("two at once")
    assert "the end of a turn" in caplog.text
