"""The jobs page: real jobs in a real store, run by a real worker."""

from typing import Any
from uuid import uuid4

import django_rq
import pytest
from django.urls import reverse
from redis import Redis
from rq.serializers import JSONSerializer

from dsrportal import queueing, scheduler
from dsrportal.worker import PortalWorker
from tests.cases.admin.desk_users import browser, said

PAGE = reverse("admin:jobs")
pytestmark = pytest.mark.django_db(transaction=True)


def again(job_id: str) -> str:
    return reverse("admin:jobs_run_again", args=[job_id])


def queue(name: str = "default") -> Any:
    return django_rq.get_queue(name, connection=queueing.store())


def run(name: str = "default") -> None:
    PortalWorker([queue(name)], connection=queueing.store()).work(burst=True, with_scheduler=False)


def fail(name: str = "default") -> str:
    """A job about a request that does not exist; the worker's process forks, as it does in production."""
    queueing.wake("cases.jobs.apply_what_is_not_there", uuid4(), queue=name)
    run(name)
    (job_id,) = queue(name).failed_job_registry.get_job_ids()
    return str(job_id)


@pytest.mark.parametrize(
    ("name", "status"), [("ivy", 200), ("adam", 200), ("otto", 200), ("agnes", 403), ("charlie", 403)]
)
def test_who_may_look(name: str, status: int) -> None:
    assert browser(name).get(PAGE).status_code == status


@pytest.mark.parametrize(("name", "status"), [("ivy", 302), ("otto", 403), ("agnes", 403), ("charlie", 403)])
def test_who_may_run_a_failed_job_again(name: str, status: int) -> None:
    job_id, client = fail(), browser(name)
    assert client.get(again(job_id)).status_code == 405
    assert client.post(again(job_id)).status_code == status
    assert queue().count == (1 if status == 302 else 0)


def test_queues_are_counted_and_missing_processes_named() -> None:
    queueing.wake("cases.jobs.refresh", uuid4())
    queueing.wake("cases.jobs.refresh", uuid4(), delay_seconds=60)
    answer = browser("ivy").get(PAGE)
    overview = answer.context["overview"]
    assert [(line.name, line.waiting, line.failed) for line in overview.queues] == [
        ("default", 1, 0),
        ("outgoing", 0, 0),
        ("results", 0, 0),
    ]
    assert overview.delayed == 1
    html = answer.content.decode()
    assert "The scheduler is not running." in html
    assert "No worker is running." in html


def test_a_schedule_and_a_worker_that_are_alive_are_shown() -> None:
    scheduler.Timetable().tick()
    worker = PortalWorker([queue("outgoing")], connection=queueing.store())
    worker.register_birth()
    try:
        answer = browser("ivy").get(PAGE)
    finally:
        worker.register_death()
    (line,) = answer.context["overview"].workers
    assert (line.name, line.queue, line.job) == (worker.name, "outgoing", "")
    assert line.heartbeat_at is not None
    assert "The scheduler is not running." not in answer.content.decode()
    assert "Scheduler last ran at" in answer.content.decode()


def test_a_failed_job_shows_function_ids_and_class_of_the_error_only() -> None:
    fail()
    (job,) = browser("ivy").get(PAGE).context["overview"].failed
    assert (job.queue, job.function) == ("default", "cases.jobs.apply_what_is_not_there")
    assert job.error == "ValueError"
    assert len(job.ids) == 36
    assert job.failed_at is not None


def test_running_again_wakes_the_same_work_and_forgets_the_failure() -> None:
    job_id, client = fail("outgoing"), browser("ivy")
    assert said(client.post(again(job_id), follow=True)) == [
        "cases.jobs.apply_what_is_not_there was queued again."
    ]
    assert queue("outgoing").failed_job_registry.get_job_ids() == []
    (job,) = queue("outgoing").jobs
    assert job.func_name == "cases.jobs.apply_what_is_not_there"
    assert said(client.post(again(job_id), follow=True)) == ["This job is no longer among the failed ones."]


def test_a_job_that_holds_more_than_ids_is_not_run_again() -> None:
    job = queue().enqueue_call("cases.jobs.refresh", args=("ada@example.org",))
    queue().failed_job_registry.add(job, ttl=60)
    (sentence,) = said(browser("ivy").post(again(job.id), follow=True))
    assert "This job contains something other than IDs and cannot be run again." in sentence


def test_an_unreachable_store_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser("ivy")
    dead = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1)
    monkeypatch.setattr(queueing, "store", lambda: dead)
    answer = client.get(PAGE)
    assert answer.status_code == 200
    assert (
        "What is waiting is in the database, and work continues when the store is back."
        in answer.content.decode()
    )
    assert "is not responding" in said(client.post(again("abc"), follow=True))[0]


def test_a_leftover_of_another_format_does_not_break_the_page() -> None:
    queue().failed_job_registry.add(
        django_rq.get_queue("default", connection=queueing.store(), serializer=JSONSerializer).enqueue_call(
            "cases.jobs.sweep"
        ),
        ttl=60,
    )
    (job,) = browser("ivy").get(PAGE).context["overview"].failed
    assert (job.function, job.error, job.ids) == ("cases.jobs.sweep", "unknown", "")
