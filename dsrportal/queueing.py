"""The one door to the queue. A wake-up carries ids only; the database row it is about is the real queue.

Losing a wake-up loses nothing: the schedule's sweep finds every row that nobody is working on. So a queue store that
does not answer is logged and forgotten here, and never fails what a person or a processor asked of us.
"""

import json
import logging
import re
import time
import uuid
from functools import lru_cache
from typing import Any, Final

import django_rq
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job

logger = logging.getLogger(__name__)

# How long one waiting job stands for all wakes of the same name and ids: longer than a usual backlog.
WAITING_SECONDS: Final = 600
# Between the marker and the job's appearance in the queue, at most.
ENQUEUE_SECONDS: Final = 5
FAILURE_KEPT_SECONDS: Final = 7 * 24 * 60 * 60
LATER: Final = "portal:later"

_ID = re.compile(r"\d{1,19}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Takes the marker, unless the job that holds it still waits in the queue or is just being put there. A job that a
# worker took off the queue and lost with its own life is in no queue any more, whatever its status says.
# Returns 1 when the caller is to enqueue.
_TAKE_MARKER: Final = """
local holder = redis.call('GET', KEYS[1])
if holder then
  if redis.call('LPOS', KEYS[2], holder) then return 0 end
  local status = redis.call('HGET', ARGV[4] .. holder, 'status')
  local young = redis.call('TTL', KEYS[1]) > tonumber(ARGV[2]) - tonumber(ARGV[3])
  if young and (not status or status == 'queued') then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
_DROP_MARKER: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@lru_cache(maxsize=4)
def _connect(url: str) -> Redis:
    return Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5)


def store() -> Redis:
    """The queue store, one connection pool a process. A short timeout: a request may be waiting for the answer."""
    return _connect(settings.REDIS_URL)


def wake(job: str, *ids: int | str | uuid.UUID, queue: str = "default", delay_seconds: float = 0) -> None:
    """Have `job` (a dotted path) called with these ids by a worker, after the transaction at hand has committed.

    Wakes that wait together are one job; a wake that comes while the job already runs becomes its successor. Delayed
    wakes are released by the schedule, about half a second exact; of several for the same job and ids the earliest
    stands. Raises ValueError for anything that is not an id, because arguments lie in the store in clear.
    """
    arguments = tuple(_checked(value) for value in ids)
    if queue not in settings.RQ_QUEUES:
        raise ValueError(f"There is no queue {queue!r}.")
    if delay_seconds > 0:
        transaction.on_commit(lambda: _guarded(_put_later, job, arguments, queue, delay_seconds))
    else:
        transaction.on_commit(lambda: _guarded(_put_now, job, arguments, queue))


def release_due() -> int:
    """Enqueue the delayed wakes whose time has come; how many. The schedule calls it at every tick."""
    released = 0
    due: list[Any] = store().zrangebyscore(LATER, 0, time.time(), start=0, num=500)
    for entry in due:
        if store().zrem(LATER, entry):  # two schedules cannot both take it
            queue, job, *arguments = json.loads(entry)
            _put_now(job, tuple(arguments), queue)
            released += 1
    return released


def next_due() -> float | None:
    """When the next delayed wake is due, in seconds since the epoch."""
    first: list[Any] = store().zrange(LATER, 0, 0, withscores=True)
    return first[0][1] if first else None


class PortalJob(Job):
    """Gives up its place as the waiting job before it looks for work, so that no wake falls between the two."""

    def perform(self) -> Any:
        marker = _marker(self.func_name or "", tuple(self.args or ()))
        self.connection.eval(_DROP_MARKER, 1, marker, self.id)
        return super().perform()


def _checked(value: int | str | uuid.UUID) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str | uuid.UUID):
        raise ValueError("Only ids go into the queue.")
    if isinstance(value, int):
        return value
    text = str(value)
    if not _ID.fullmatch(text):
        raise ValueError("Only ids go into the queue.")
    return text


def _marker(job: str, arguments: tuple[int | str, ...]) -> str:
    return "portal:waiting:" + ":".join([job, *map(str, arguments)])


def _guarded(put: Any, job: str, *rest: Any) -> None:
    try:
        put(job, *rest)
    except RedisError as error:
        logger.warning(
            "wake %s: the queue store does not answer (%s); the sweep will", job, type(error).__name__
        )


def _put_now(job: str, arguments: tuple[int | str, ...], queue: str) -> None:
    marker, job_id = _marker(job, arguments), str(uuid.uuid4())
    waiting = django_rq.get_queue(queue, connection=store())
    taken = store().eval(
        _TAKE_MARKER,
        2,
        marker,
        waiting.key,
        job_id,
        WAITING_SECONDS,
        ENQUEUE_SECONDS,
        Job.redis_job_namespace_prefix,
    )
    if not taken:
        return
    waiting.enqueue_call(
        job, args=arguments, job_id=job_id, description=job, failure_ttl=FAILURE_KEPT_SECONDS
    )


def _put_later(job: str, arguments: tuple[int | str, ...], queue: str, delay_seconds: float) -> None:
    entry = json.dumps([queue, job, *arguments])
    store().zadd(LATER, {entry: time.time() + delay_seconds}, lt=True)
