"""Arithmetic of send slots: when so many new requests will have left, over the ramp, the pace and all windows.

The same reckoning as the scripts of `integrations.budget_store`, a bucket at a time instead of a request at a time.
Instants and lengths are in microseconds.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence

from integrations.budget_store import BUCKETS, FOOT, Pace

# Beyond so many steps the windows only repeat themselves: the rest is computed at the rate of the second half.
_STEPS = 20_000


class Counts:
    """The counts of one long window, bucket by bucket, as time passes."""

    def __init__(self, *, bucket: int, share: int, counts: Mapping[int, int]) -> None:
        self._bucket = bucket
        self._share = share
        self._entries = deque(sorted(counts.items()))
        self._sum = sum(counts.values())

    def room(self, at: int) -> int:
        oldest = at // self._bucket - BUCKETS
        while self._entries and self._entries[0][0] < oldest:
            self._sum -= self._entries.popleft()[1]
        return self._share - self._sum

    def opens_at(self) -> int:
        """When there is room again, if nothing is added: a bucket leaves when the window has left it whole."""
        total, at = self._sum, 0
        for index, count in self._entries:
            if total < self._share:
                break
            total -= count
            at = (index + BUCKETS + 1) * self._bucket
        return at

    def bucket_ends_at(self, at: int) -> int:
        return (at // self._bucket + 1) * self._bucket

    def add(self, at: int, count: int) -> None:
        index = at // self._bucket
        if self._entries and self._entries[-1][0] >= index:
            index, known = self._entries.pop()
            self._entries.append((index, known + count))
        else:
            self._entries.append((index, count))
        self._sum += count


def leaves_at(count: int, *, at: int, busy: float, pace: Pace, windows: Sequence[Counts]) -> float:
    """When the last of `count` (one at least) new requests leaves, if the first may at `at`, so far up the ramp."""
    left, steps, halfway = count, 0, (at, count)
    while True:
        steps += 1
        if steps == _STEPS // 2:
            halfway = at, left
        elif steps == _STEPS:
            return at + left * (at - halfway[0]) / max(1, halfway[1] - left)
        closed = [window.opens_at() for window in windows if window.room(at) <= 0]
        if closed:
            busy = max(busy - (max(closed) - at), 0.0)
            at = max(closed)
            continue
        done = _work(busy, pace.ramp)
        now = left
        if windows:
            end = min(window.bucket_ends_at(at) for window in windows)
            fit = math.ceil((_work(busy + end - at, pace.ramp) - done) / pace.interval)
            now = max(1, min(left, fit, *(window.room(at) for window in windows)))
        if now == left:
            return at + _use(done + (left - 1) * pace.interval, pace.ramp) - busy
        for window in windows:
            window.add(at, now)
        left -= now
        climbed = _use(done + now * pace.interval, pace.ramp)
        at += math.ceil(climbed - busy)
        busy = min(climbed, pace.ramp)


def _work(use: float, ramp: int) -> float:
    """The effort summed up over so much use, which begins at the foot of the ramp."""
    if use > ramp:
        return (1 + FOOT) / 2 * ramp + use - ramp
    return FOOT * use + (1 - FOOT) / 2 * use * use / ramp


def _use(work: float, ramp: int) -> float:
    """How much use does so much work: the other way round."""
    top = (1 + FOOT) / 2 * ramp
    if work > top:
        return ramp + work - top
    return ramp * (math.sqrt(FOOT * FOOT + 2 * (1 - FOOT) * work / ramp) - FOOT) / (1 - FOOT)
