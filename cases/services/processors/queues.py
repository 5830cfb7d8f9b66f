"""The queue store as people see it: what waits, who works, what failed. Reading it changes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import django_rq
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.serializers import JSONSerializer

from cases.services.refusal import Refused, Superseded
from dsrportal import queueing, scheduler
from dsrportal.queueing import PortalJob
from dsrportal.sentence import Sentence

# Failures shown of one queue, newest first.
SHOWN: Final = 100
UNREACHABLE: Final = Sentence(
    "The queue store is not responding. Nothing is lost. What is waiting is in the database, and work "
    "continues when the store is back."
)


@dataclass(frozen=True, slots=True)
class QueueLine:
    name: str
    waiting: int
    running: int
    failed: int


@dataclass(frozen=True, slots=True)
class WorkerLine:
    name: str
    queue: str
    job: str
    heartbeat_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed: what it was to call, with which ids, and the class of its error. Nothing else is kept."""

    job_id: str
    queue: str
    function: str
    ids: str
    failed_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Overview:
    queues: list[QueueLine]
    workers: list[WorkerLine]
    failed: list[FailedJob]
    delayed: int
    schedule_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """Who is alive: workers by queue, and the seconds since the schedule's last beat (None: no beat known)."""

    workers: dict[str, int]
    schedule_seconds: int | None


def overview() -> Overview:
    """Everything the jobs page shows. Raises Refused with one sentence where the store does not answer."""
    try:
        heartbeat: Any = queueing.store().get(scheduler.HEARTBEAT)
        delayed: Any = queueing.store().zcard(queueing.LATER)
        return Overview(
            queues=[_queue_line(name) for name in settings.RQ_QUEUES],
            workers=sorted(_workers(), key=lambda worker: (worker.queue, worker.name)),
            failed=sorted(_failed(), key=lambda job: job.failed_at or _NEVER, reverse=True),
            delayed=delayed,
            schedule_at=datetime.fromtimestamp(int(heartbeat), UTC) if heartbeat else None,
        )
    except RedisError as error:
        raise Refused(UNREACHABLE) from error


def pulse(*, alive_seconds: int, answer_seconds: float, now: datetime) -> Pulse:
    """Asked once, over a connection of its own that does not wait. Raises RedisError where the store is gone."""
    connection = Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=answer_seconds,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    with connection:
        beat: Any = connection.get(scheduler.HEARTBEAT)
        workers = dict.fromkeys(settings.RQ_QUEUES, 0)
        for worker in Worker.all(connection=connection, serializer=JSONSerializer):
            heartbeat = _aware(worker.last_heartbeat)
            if heartbeat is not None and (now - heartbeat).total_seconds() <= alive_seconds:
                for name in worker.queue_names():
                    workers[name] = workers.get(name, 0) + 1
        return Pulse(workers, max(0, int(now.timestamp()) - int(beat)) if beat else None)


def run_again(job_id: str) -> str:
    """Wake a failed job's function again with the same ids; returns the function's name. Jobs are safe to run twice.

    Raises Superseded for a job that no longer counts as failed, Refused where it cannot be run again.
    """
    try:
        job = PortalJob.fetch(job_id, connection=queueing.store(), serializer=JSONSerializer)
        registry = _queue(job.origin).failed_job_registry if job.origin in settings.RQ_QUEUES else None
        if registry is None or job_id not in registry.get_job_ids(cleanup=False):
            raise Superseded(Sentence("This job is no longer among the failed ones."))
        queueing.wake(job.func_name or "", *(job.args or ()), queue=job.origin)
        registry.remove(job, delete_job=True)
    except NoSuchJobError as error:
        raise Superseded(Sentence("This job is no longer among the failed ones.")) from error
    except ValueError as error:
        raise Refused(
            Sentence("This job contains something other than IDs and cannot be run again.")
        ) from error
    except RedisError as error:
        raise Refused(UNREACHABLE) from error
    return job.func_name or ""


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def _queue(name: str) -> Any:
    return django_rq.get_queue(name, connection=queueing.store())


def _queue_line(name: str) -> QueueLine:
    queue = _queue(name)
    # Uncleaned: cleaning would fail the jobs of workers that died, which is the schedule's part.
    running = queue.started_job_registry.get_job_count(cleanup=False)
    failed = queue.failed_job_registry.get_job_count(cleanup=False)
    return QueueLine(name=name, waiting=queue.count, running=running, failed=failed)


def _workers() -> Iterator[WorkerLine]:
    for worker in Worker.all(connection=queueing.store(), serializer=JSONSerializer):
        yield WorkerLine(
            name=worker.name,
            queue=", ".join(worker.queue_names()),
            job=_current(worker),
            heartbeat_at=_aware(worker.last_heartbeat),
        )


def _current(worker: Any) -> str:
    job_id = worker.get_current_job_id()
    if not job_id:
        return ""
    try:
        return PortalJob.fetch(job_id, connection=queueing.store(), serializer=JSONSerializer).func_name or ""
    except NoSuchJobError:
        return ""


def _failed() -> Iterator[FailedJob]:
    for name in settings.RQ_QUEUES:
        ids = _queue(name).failed_job_registry.get_job_ids(0, SHOWN - 1, desc=True, cleanup=False)
        for job in PortalJob.fetch_many(ids, connection=queueing.store(), serializer=JSONSerializer):
            if job is not None:
                yield FailedJob(
                    job_id=job.id,
                    queue=name,
                    function=job.func_name or "?",
                    ids=", ".join(str(value) for value in job.args or ()),
                    failed_at=_aware(job.ended_at),
                    error=_error(job),
                )


def _error(job: Any) -> str:
    """The class alone. Our worker keeps `JobFailed: <class> at <places>`, never the error's text."""
    result = job.latest_result()
    lines = ((result.exc_string if result else "") or "").strip().splitlines()
    if not lines:
        return "unknown"
    kind, _colon, rest = lines[-1].partition(": ")
    if kind.endswith("JobFailed"):
        kind = rest.partition(";")[0].partition(" at ")[0]
    return kind.strip().rpartition(".")[2][:80] or "unknown"


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
