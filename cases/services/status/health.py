"""Health of the portal, for load balancers, alarms and the page “Health”.

Each look is taken in a thread of its own, with connections of its own and short time-outs, so that a server that is
gone, or that takes connections and never answers, costs whoever asks a few seconds at most.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from cases.services.dispatch import waits
from cases.services.processors import queues

logger = logging.getLogger(__name__)

# A worker says so every 15 seconds while it waits, and every 5 while it works.
WORKER_ALIVE_SECONDS: Final = 60
# The schedule beats twice a second; another takes over ten seconds after one died.
SCHEDULE_LATE_SECONDS: Final = 30
# The oldest request that is due and that nobody works on. With a long queue that is within reason: the manual says so.
QUEUED_LATE_SECONDS: Final = 15 * 60
# mParticle delivers its callbacks every 15 minutes; the first one follows the creation of a request.
CALLBACKS_LATE_SECONDS: Final = 30 * 60
# For connecting, and for each answer.
ANSWER_SECONDS: Final = 2
# For all of a look; what has not answered by then counts as gone.
LOOK_SECONDS: Final = 5.0
# However often it is asked, each process looks no more often than this.
REMEMBERED_SECONDS: Final = 2.0


class State(StrEnum):
    OK = "ok"
    LATE = "late"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Check:
    """One check; a figure of None is unknown. No names, no words of an error."""

    name: str
    state: State
    figures: dict[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    checks: tuple[Check, ...]

    @property
    def state(self) -> State:
        """The worst of them."""
        states = {check.state for check in self.checks}
        return next((state for state in (State.FAILING, State.LATE) if state in states), State.OK)

    def check(self, name: str) -> Check:
        return next(check for check in self.checks if check.name == name)


class _Memory:
    """The last look of this process, for a moment."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at = 0.0
        self.health: Health | None = None


_memory = _Memory()


def recent() -> Health:
    """As `check`, but at most once in two seconds: an address that anyone may ask cannot be used to wear us out.

    While one look is being taken, whoever else asks is told what the last one found.
    """
    known = _memory.health
    if not _memory.lock.acquire(blocking=known is None):
        assert known is not None  # without one, it was waited for
        return known
    try:
        if _memory.health is None or time.monotonic() - _memory.at >= REMEMBERED_SECONDS:
            _memory.health = check()
            _memory.at = time.monotonic()
        return _memory.health
    finally:
        _memory.lock.release()


def forget() -> None:
    """Have the next `recent` check anew."""
    with _memory.lock:
        _memory.health = None


def check() -> Health:
    """Both servers at the same time. Raises nothing: what does not answer is a check that fails."""
    begun = time.monotonic()
    at_database, at_store = _begin(_at_database), _begin(_at_store)

    def left() -> float:
        return max(0.0, begun + LOOK_SECONDS - time.monotonic())

    found = at_database(left()) or {}
    pulse = at_store(left())
    return Health(
        (
            found.get("database") or Check("database", State.FAILING, {"migrations_missing": None}),
            Check("queue_store", State.OK if pulse else State.FAILING),
            _workers(pulse),
            _schedule(pulse),
            found.get("oldest_queued_seconds")
            or Check("oldest_queued_seconds", State.LATE, {"seconds": None}),
            found.get("callbacks_silent") or Check("callbacks_silent", State.LATE, {"processors": None}),
        )
    )


def bounded(function: Callable[[], Any]) -> Any:
    """What a function that asks the database answers, on a connection of its own; None where it took too long."""
    return _begin(lambda: _on_own_connection(function))(LOOK_SECONDS)


# --- the checks


def _at_store() -> queues.Pulse:
    return queues.pulse(alive_seconds=WORKER_ALIVE_SECONDS, answer_seconds=ANSWER_SECONDS, now=timezone.now())


def _at_database() -> dict[str, Check]:
    found: dict[str, Check] = _on_own_connection(_ask_database)
    return found


def _ask_database() -> dict[str, Check]:
    missing = len(_known_migrations() - set(MigrationRecorder(connection).applied_migrations()))
    state = State.FAILING if missing else State.OK
    found = {"database": Check("database", state, {"migrations_missing": missing})}
    if missing:
        return found
    now = timezone.now()
    try:
        with transaction.atomic():
            queued = waits.oldest_queued_seconds(now=now)
            silent = len(waits.silent_processors(now=now, after=timedelta(seconds=CALLBACKS_LATE_SECONDS)))
    except DatabaseError:  # such as a question that took too long: the database answers, but what is unknown
        return found
    late = State.LATE if queued > QUEUED_LATE_SECONDS else State.OK
    found["oldest_queued_seconds"] = Check("oldest_queued_seconds", late, {"seconds": queued})
    late = State.LATE if silent else State.OK
    found["callbacks_silent"] = Check("callbacks_silent", late, {"processors": silent})
    return found


def _workers(pulse: queues.Pulse | None) -> Check:
    alive: dict[str, int | None] = {
        name: pulse.workers[name] if pulse else None for name in settings.RQ_QUEUES
    }
    return Check("workers", State.OK if all(alive.values()) else State.FAILING, alive)


def _schedule(pulse: queues.Pulse | None) -> Check:
    seconds = pulse.schedule_seconds if pulse else None
    beats = seconds is not None and seconds <= SCHEDULE_LATE_SECONDS
    return Check("schedule", State.OK if beats else State.FAILING, {"seconds": seconds})


@lru_cache(maxsize=1)
def _known_migrations() -> frozenset[tuple[str, str]]:
    """Those that this version of the portal came with: files, read once."""
    return frozenset(MigrationLoader(None).disk_migrations or {})


# --- asking without being kept waiting


def _begin(look: Callable[[], Any]) -> Callable[[float], Any]:
    """Start looking; what comes back waits for the answer so many seconds. None: no answer, whatever the reason.

    Not a pool: a thread that a dead server holds must keep neither its successors nor the end of the process waiting.
    """
    answers: SimpleQueue[Any] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(look())
        except Exception as error:
            # Whatever it was, it is not well; its words may hold addresses and go nowhere.
            logger.warning("A look at the portal's health met %s.", type(error).__name__)
            answers.put(None)

    threading.Thread(target=run, daemon=True, name="health").start()

    def wait(seconds: float) -> Any:
        try:
            return answers.get(timeout=seconds)
        except Empty:
            return None

    return wait


def _on_own_connection(function: Callable[[], Any]) -> Any:
    """In a thread of its own, whose connection nobody else has: opened now, so that a dead server shows, and closed."""
    given: dict[str, Any] = connection.settings_dict
    options = {**given.get("OPTIONS", {}), "connect_timeout": ANSWER_SECONDS}
    connection.settings_dict = {**given, "OPTIONS": options}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(ANSWER_SECONDS * 1000)])
            return function()
    finally:
        connection.close()
