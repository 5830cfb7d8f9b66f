"""What goes wrong meanwhile: on the wire, by the sandbox's orders; with our own processes, by SIGKILL."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import psycopg

from dsrportal.queueing import store
from dsrportal.serve.embedded import addresses
from tests.faults.portal import Portal
from tests.sandbox import Sandbox

SHARE = 0.2
# Longer than the portal waits for an answer: the call times out there, and is worked all the same.
TOO_SLOW_SECONDS = 12.0

KINDS: list[dict[str, Any]] = [
    {"fault": "reset_before"},
    {"fault": "reset_after"},
    {"fault": "status_429"},
    {"fault": "status_429_no_retry_after"},
    *(
        {"fault": f"status_{status}", "process": after}
        for status in (500, 502, 504)
        for after in (False, True)
    ),
    {"fault": "slow", "seconds": 2.0},
    {"fault": "slow", "seconds": TOO_SLOW_SECONDS},
    {"fault": "malformed"},
    {"fault": "truncated"},
    {"fault": "html"},
    {"fault": "html", "process": True},
    {"fault": "empty"},
]


def mixed_faults() -> list[dict[str, Any]]:
    """Every kind on every v3 path, equally often, together striking a fifth of all calls.

    The sandbox asks one order after the other, so each is given its chance among the calls that the ones before let by.
    """
    each = SHARE / len(KINDS)
    return [
        {**kind, "path": "/v3/*", "times": None, "probability": each / (1 - position * each)}
        for position, kind in enumerate(KINDS)
    ]


def left_out(sandbox: Sandbox) -> list[dict[str, Any]]:
    """One of each kind that chance has not dealt: it strikes the next call."""
    struck = sandbox.state()["struck_counts"]
    return [{**kind, "path": "/v3/*"} for kind in KINDS if kind["fault"] not in struck]


# (queue, whether its work-horse and not the worker itself)
_VICTIMS = [("outgoing", True), ("default", False), ("results", True)]
_VICTIMS += [("outgoing", False), ("default", True), ("results", False)]
LOOK_SECONDS = 1.5


@dataclass
class Damage:
    """What was done."""

    killed: Counter[str] = field(default_factory=Counter)
    emptied: int = 0
    database_killed: int = 0
    database_back_seconds: float = 0.0

    def missing(self) -> list[str]:
        """What was meant to go wrong and did not, in sentences: then nothing was proven."""
        done = {
            "No worker was killed": self.killed.total(),
            "The queue store was not emptied": self.emptied,
            "The database was not killed": self.database_killed,
        }
        return [f"{sentence}." for sentence, count in done.items() if not count]


class Chaos:
    """Kills and empties, from a thread of its own, until told to stop."""

    def __init__(self, portal: Portal, *, seconds: float, every_seconds: float = 3.0) -> None:
        self.damage = Damage()
        self._portal = portal
        self._seconds = seconds
        self._every = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def wait(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        victims = self._victims()
        while not self._stop.wait(self._every) and (passed := time.monotonic() - began) < self._seconds:
            self.damage.killed[next(victims)] += 1
            if passed > self._seconds / 3 and not self.damage.emptied:
                store().flushall()
                self.damage.emptied += 1
            if passed > self._seconds * 0.6 and not self.damage.database_killed:
                self._kill_database()

    def _victims(self) -> Iterator[str]:
        """Kill workers, and the work-horses that run their jobs, of all queues in turn; what was killed."""
        for queue, horse in cycle(_VICTIMS):
            if self._stop.is_set():
                return
            pid = self._horse(queue) if horse else self._portal.worker(queue)
            if pid is not None and _kill(pid):
                yield f"{queue} work-horse" if horse else f"{queue} worker"

    def _horse(self, queue: str) -> int | None:
        """Jobs may be short, and may not come: look for one in the act for a moment, and let it come a little way."""
        until = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < until and not self._stop.is_set():
            if (pid := self._portal.horse(queue)) is not None:
                time.sleep(random.uniform(0, 0.3))
                return pid
            time.sleep(0.01)
        return None

    def _kill_database(self) -> None:
        _kill(self._portal.database())
        self.damage.database_killed += 1
        began = time.monotonic()
        while not self._stop.is_set() and time.monotonic() - began < 60:
            try:
                psycopg.connect(addresses(self._portal.directory).database_url(), connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        self.damage.database_back_seconds = time.monotonic() - began


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
