"""Virtual time: seconds since the first start or the last reset, running `speed` times as fast as ours."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """At speed 0 the clock stands still and only `reach` moves it, which is what tests use."""

    def __init__(self, *, speed: float, start: float = 0.0) -> None:
        self.speed = speed
        self._lock = threading.Lock()
        self._base = start
        self._since = time.monotonic()

    def now(self) -> float:
        with self._lock:
            return self._base + (time.monotonic() - self._since) * self.speed

    def reach(self, instant: float) -> None:
        """Jump forward to `instant` (virtual seconds); never backwards."""
        with self._lock:
            ahead = instant - (self._base + (time.monotonic() - self._since) * self.speed)
            if ahead > 0:
                self._base += ahead

    def restart_at(self, instant: float) -> None:
        with self._lock:
            self._base = instant
            self._since = time.monotonic()


def stated_now() -> str:
    """The real time as mParticle states it in `received_time`: UTC with seven fractional digits."""
    nanoseconds = time.time_ns()
    moment = datetime.fromtimestamp(nanoseconds // 1_000_000_000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 100 % 10_000_000:07d}Z"
