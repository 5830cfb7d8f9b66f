"""The door to the queue: ids only, after the commit, one waiting job for many wakes, never an error for the caller."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import django_rq
import pytest
import time_machine
from django.db import transaction
from pytest_django import Settings

from dsrportal import queueing, scheduler
from dsrportal.queueing import release_due, store, wake
from dsrportal.scheduler import Timetable
from dsrportal.serve.processes import wait_for_end

JOB = "tests.dsrportal.test_queueing.note"
WAKING = "tests.dsrportal.test_queueing.note_and_wake"
FAILING = "tests.dsrportal.test_queueing.fail_with_personal_data"
LASTING = "tests.dsrportal.test_queueing.last"
PERSON = "ada@example.com"

pytestmark = pytest.mark.django_db(transaction=True)


def note(*ids: object) -> None:
    store().rpush("noted", repr(ids))


def note_and_wake(number: int) -> None:
    """A job whose row changes again while it runs."""
    note(number)
    if store().llen("noted") < 2:
        wake(WAKING, number)
        wake(WAKING, number)


def fail_with_personal_data(number: int) -> None:
    raise ValueError(f"no such person: {PERSON}")


def last(number: int) -> None:
    store().rpush("horse", os.getpid())
    time.sleep(60)


def waiting(queue: str = "default") -> int:
    return int(django_rq.get_queue(queue).count)


def work(queue: str = "default") -> None:
    django_rq.get_worker(queue).work(burst=True, logging_level="WARNING")


def noted() -> list[str]:
    entries: list[bytes] = store().lrange("noted", 0, -1)  # type: ignore[assignment]
    return [entry.decode() for entry in entries]


def test_a_wake_reaches_a_worker_with_its_ids() -> None:
    key = uuid.uuid4()
    wake(JOB, 7, key, "12", queue="outgoing")
    work("outgoing")
    assert noted() == [f"(7, '{key}', '12')"]


@pytest.mark.parametrize(
    "value", [PERSON, "Ada Lovelace", "+49 30 1234", 1.5, True, None, {"id": 1}, b"1", ""]
)
def test_anything_but_an_id_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="Only ids"):
        wake(JOB, value)  # type: ignore[arg-type]


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="no queue"):
        wake(JOB, 1, queue="defualt")


def test_nothing_is_woken_before_the_commit_and_nothing_after_a_rollback() -> None:
    with transaction.atomic():
        wake(JOB, 1)
        assert waiting() == 0
    assert waiting() == 1
    with transaction.atomic():
        wake(JOB, 2)
        wake(JOB, 2, delay_seconds=1)
        transaction.set_rollback(True)
    assert waiting() == 1
    assert store().zcard(queueing.LATER) == 0


def test_a_burst_of_wakes_is_one_waiting_job() -> None:
    for _ in range(20):
        wake(JOB, 1)
    wake(JOB, 2)
    assert waiting() == 2


def test_a_wake_during_the_run_is_the_successor() -> None:
    wake(WAKING, 1)
    work()
    assert noted() == ["(1,)", "(1,)"]


def test_after_the_run_a_wake_is_a_new_job() -> None:
    for _ in range(3):
        wake(JOB, 1)
        work()
    assert len(noted()) == 3


def test_a_waiting_job_that_was_lost_does_not_block_its_replacement() -> None:
    wake(JOB, 1)
    django_rq.get_queue("default").empty()
    with time_machine.travel(time.time()):
        store().expire("portal:waiting:" + JOB + ":1", queueing.WAITING_SECONDS - queueing.ENQUEUE_SECONDS)
        wake(JOB, 1)
    assert waiting() == 1


def test_a_job_that_a_worker_lost_with_its_own_life_is_replaced() -> None:
    wake(JOB, 1)
    # Taken off the queue, and killed before it was noted as started: its status says queued for ever.
    store().rpop(django_rq.get_queue("default").key)
    wake(JOB, 1)
    assert waiting() == 0  # so soon it may still be on its way into the queue
    store().expire("portal:waiting:" + JOB + ":1", queueing.WAITING_SECONDS - queueing.ENQUEUE_SECONDS)
    wake(JOB, 1)
    assert waiting() == 1


def test_a_store_that_does_not_answer_costs_one_line_and_no_error(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "unix:///nowhere/at/all.sock"
    wake(JOB, 1)
    wake(JOB, 1, delay_seconds=5)
    assert [record.getMessage() for record in caplog.records] == [
        f"wake {JOB}: the queue store does not answer (ConnectionError); the sweep will"
    ] * 2
    settings.REDIS_URL = os.environ["REDIS_URL"]


def test_of_several_delayed_wakes_the_earliest_stands() -> None:
    begin = time.time()
    wake(JOB, 1, delay_seconds=60)
    wake(JOB, 1, delay_seconds=10)
    wake(JOB, 1, delay_seconds=300)
    assert release_due() == 0
    with time_machine.travel(begin + 11):
        assert release_due() == 1
        assert release_due() == 0
    assert waiting() == 1


def test_what_an_error_says_about_a_person_is_kept_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    wake(FAILING, 1)
    work()
    failed = django_rq.get_queue("default").failed_job_registry
    assert failed.count == 1
    job = django_rq.get_queue("default").fetch_job(failed.get_job_ids()[0])
    assert job is not None
    result = job.latest_result()
    assert result is not None
    assert "ValueError at dsrportal/test_queueing.py" in str(result.exc_string)
    for key in store().scan_iter("*"):
        assert PERSON.encode() not in (store().dump(key) or b"")
        if store().type(key) == b"hash":
            assert not any(PERSON.encode() in value for value in store().hvals(key))
    assert PERSON not in caplog.text


def test_a_killed_workers_horse_does_not_go_on_alone() -> None:
    wake(LASTING, 1)
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker", "default"], cwd=Path(__file__).parents[2]
    )
    popped = store().blpop(["horse"], timeout=30)
    assert popped is not None
    horse = int(popped[1])
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert wait_for_end(horse, 5)


class TestTimetable:
    @pytest.fixture(autouse=True)
    def _entries(self, settings: Settings) -> None:
        settings.SCHEDULE = "tests.dsrportal.test_queueing.ENTRIES"

    def test_an_entry_is_woken_when_due_and_not_before(self) -> None:
        table, begin = Timetable(), time.time()
        with time_machine.travel(begin, tick=False):
            assert table.tick()
            assert table.tick()
        assert waiting() == 1
        work()
        with time_machine.travel(begin + 31, tick=False):
            assert table.tick()
        assert waiting() == 1

    def test_a_restart_does_not_repeat_what_was_just_woken(self) -> None:
        first = Timetable()
        assert first.tick()
        work()
        store().delete(scheduler.LOCK)
        assert Timetable().tick()
        assert waiting() == 0

    def test_of_two_one_works_and_the_other_takes_over(self) -> None:
        first, second = Timetable(), Timetable()
        assert first.tick()
        assert not second.tick()
        assert first.tick()
        store().delete(scheduler.LOCK)
        assert second.tick()
        assert not first.tick()

    def test_no_schedule_yet_is_no_error(self, settings: Settings) -> None:
        settings.SCHEDULE = "no.such.module.ENTRIES"
        assert Timetable().tick()

    def test_a_heartbeat_says_that_the_schedule_lives(self) -> None:
        Timetable().tick()
        assert store().ttl(scheduler.HEARTBEAT) > 0


ENTRIES = [("note", JOB, 30)]
