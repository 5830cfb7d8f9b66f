"""One budget for each processor, shared by all workers of all machines, kept in the queue store.

GCRA: the store holds one instant per processor, the "theoretical arrival time" (TAT) of the next call.
Each call moves it on by one interval; a call may come ahead of it by a small burst, and otherwise waits.
The scripts read the store's own clock, so workers whose clocks differ agree.
https://docs.mparticle.com/guides/default-service-limits/ (DSR API: 1,000 requests a minute, all methods).
"""

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from redis.commands.core import Script
from redis.exceptions import RedisError

from dsrportal.queueing import store
from integrations.errors import NotSent, RateLimited
from integrations.registry import connector_for
from integrations.types import Limit

if TYPE_CHECKING:
    from integrations.models import Processor

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
# A longer pause concerns the request that was refused, not the processor's whole budget.
LONGEST_PENALTY_SECONDS = 300.0
# A 429 without Retry-After.
USUAL_PENALTY_SECONDS = 5.0

# Instants in microseconds: exact in a double, and written with %.0f, because Lua's own form keeps 14 digits.
_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local function keep(instant)
  redis.call('SET', KEYS[1], string.format('%.0f', instant), 'PX', math.ceil((instant - now) / 1000) + 1000)
end
"""
# interval, tolerance, patience -> the wait in microseconds; longer than the patience: nothing was taken.
_TAKE = (
    _NOW
    + """
local wait = math.max(tat - tonumber(ARGV[2]) - now, 0)
if wait <= tonumber(ARGV[3]) then keep(tat + tonumber(ARGV[1])) end
return math.ceil(wait)
"""
)
# tolerance, pause -> the next call waits for at least the pause.
_PENALISE = (
    _NOW
    + """
keep(math.max(tat, now + tonumber(ARGV[1]) + tonumber(ARGV[2])))
"""
)


class Pace(NamedTuple):
    """How GCRA keeps a rate: microseconds between calls, and how far ahead of them one may be."""

    interval: int
    tolerance: int


def pace(limit: Limit, share_percent: int) -> Pace:
    """The pace at which no window holds more calls than our share of the limit, the burst included."""
    calls = max(1, limit.count * share_percent // 100)
    burst = max(1, calls // 100)
    interval = -(-limit.seconds * 1_000_000 // (calls - burst + 1))  # rounded up
    return Pace(interval, interval * (burst - 1))


def take(processor: "Processor") -> None:
    """Take one call from the budget, sleeping up to 2 s for it.

    Raises RateLimited with the wait where it is longer, and NotSent where the store cannot be asked:
    a call is never let through uncounted.
    """
    interval, tolerance = _pace_of(processor)
    try:
        wait_us = _script(_TAKE)(
            keys=[_key(processor)], args=[interval, tolerance, int(PATIENCE_SECONDS * 1_000_000)]
        )
    except RedisError as error:
        logger.warning("The queue store did not give a call's budget: %s.", type(error).__name__)
        raise NotSent("The queue store that keeps the call budget cannot be reached.") from None
    wait_seconds = int(wait_us) / 1_000_000
    if wait_seconds > PATIENCE_SECONDS:
        raise RateLimited(
            "The portal's own call budget for this processor is used up for now.",
            retry_after_seconds=wait_seconds,
            scope="portal",
        )
    if wait_seconds:
        time.sleep(wait_seconds)


def penalise(processor: "Processor", seconds: float | None) -> None:
    """Hold all calls to a processor back, because it said 429. None: it did not say for how long."""
    pause = min(USUAL_PENALTY_SECONDS if seconds is None else seconds, LONGEST_PENALTY_SECONDS)
    _, tolerance = _pace_of(processor)
    try:
        _script(_PENALISE)(keys=[_key(processor)], args=[tolerance, int(pause * 1_000_000)])
    except RedisError:
        # The request that met the 429 waits by its own schedule; the others will meet theirs.
        logger.warning("The queue store cannot be reached: a 429 was not shared with other workers.")


def _pace_of(processor: "Processor") -> Pace:
    return pace(connector_for(processor).budget().calls, processor.budget_share)


def _key(processor: "Processor") -> str:
    return f"budget:{processor.pk}"


def _script(source: str) -> Script:
    return store().register_script(source)
