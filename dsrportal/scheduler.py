"""The scheduler: releases delayed wakes, wakes the jobs that are due, tidies rq's registries.

A process of its own (`manage.py schedule`). Any number of them may run; one holds the lock and works, the others wait
to take over. All its memory is in the queue store; if that is emptied, everything is simply due.
"""

import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from threading import Event

import django_rq
from django.conf import settings
from django.utils.module_loading import import_string
from redis.exceptions import LockError, RedisError
from rq.registry import clean_registries
from rq.worker_registration import clean_worker_registry

from dsrportal.queueing import next_due, release_due, store, wake

logger = logging.getLogger(__name__)

LOCK = "portal:schedule:lock"
LAST = "portal:schedule:last"
HEARTBEAT = "portal:schedule:heartbeat"
LOCK_SECONDS = 10
TICK_SECONDS = 0.5
CLEANING_SECONDS = 15

Entry = tuple[str, str, float]


def entries() -> list[Entry]:
    """The schedule (name, dotted path, every so many seconds); empty while there is none."""
    try:
        found: Iterable[Entry] = import_string(settings.SCHEDULE)
    except ImportError:
        return []
    return list(found)


class Timetable:
    """One schedule process."""

    def __init__(self) -> None:
        self._lock = store().lock(LOCK, timeout=LOCK_SECONDS, thread_local=False)
        self._cleaned_at = 0.0

    def run(self, stop: Event) -> None:
        """Tick until told to stop."""
        silent = False
        while not stop.is_set():
            try:
                worked = self.tick()
                silent = False
            except RedisError as error:
                if not silent:
                    logger.warning("the queue store does not answer (%s); trying on", type(error).__name__)
                silent, worked = True, False
            stop.wait(self._pause() if worked else 2 * TICK_SECONDS)
        with suppress(RedisError):
            self._lock.release()

    def tick(self) -> bool:
        """Do what is due; False while another schedule holds the lock."""
        if not (self._lock.acquire(blocking=False) or self._renew()):
            return False
        now = time.time()
        store().set(HEARTBEAT, int(now), ex=60)
        release_due()
        last = store().hgetall(LAST)
        for name, path, every_seconds in entries():
            if now - float(last.get(name.encode(), 0)) >= every_seconds:
                store().hset(LAST, name, now)
                wake(path)
        if now - self._cleaned_at >= CLEANING_SECONDS:
            self._cleaned_at = now
            clean()
        return True

    def _renew(self) -> bool:
        try:
            return bool(self._lock.extend(LOCK_SECONDS, replace_ttl=True))
        except LockError:  # another's, or nobody's
            return False

    def _pause(self) -> float:
        due = next_due()
        return TICK_SECONDS if due is None else min(TICK_SECONDS, max(0.0, due - time.time()))


def clean() -> None:
    """Let rq fail what crashed workers left as started: workers themselves do so only between two jobs."""
    for name in settings.RQ_QUEUES:
        queue = django_rq.get_queue(name, connection=store())
        if queue.acquire_maintenance_lock():
            clean_registries(queue, [])
            clean_worker_registry(queue)
            queue.release_maintenance_lock()
