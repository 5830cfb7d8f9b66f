"""Keys and scripts of the budgets in the queue store, run on the store's own clock.

A processor's calls: a hash with the instant the next call belongs to (`tat`, as GCRA has it), how much of the ramp was
climbed (`busy`), until when calls (`held`) and new requests (`new_held`) wait because the vendor said so, and when the
ramp was last cut (`slowed`). A window: a hash of counts by bucket, a sixtieth of the window each. All are integers;
instants and lengths are in microseconds of Unix time, exact in a double.

The hash of calls expires when it says no more than a missing one: nothing is owed, and the ramp is at its foot. A
window of new requests has a field `since`, and without it is forgotten, not empty: it cannot be told whether the store
was emptied or the key expired, a week after its last count left, and `budget.rebuild` is right for both.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from dsrportal.queueing import store
from dsrportal.sentence import Sentence
from integrations.account import Account
from integrations.connector import REQUESTS
from integrations.errors import BudgetForgotten, NotSent
from integrations.registry import connector_for
from integrations.types import Limit

logger = logging.getLogger(__name__)

# A backlog starts at this part of the full pace. https://docs.mparticle.com/guides/default-service-limits/:
# whoever speeds up too quickly is refused for `acceleration`, below the limit too.
FOOT = 0.2
LONGEST_RAMP_SECONDS = 300
BUCKETS = 60
# How long a caller may be asked to sleep, and so how far ahead a slot is given away.
PATIENCE_SECONDS = 2.0
# A longer pause concerns the request that was refused, not the processor's whole budget.
LONGEST_PENALTY_SECONDS = 300.0
# New requests wait for as long as their longest window at most.
LONGEST_NEW_PENALTY_SECONDS = 24 * 3600.0
_SECOND = 1_000_000
_FORGOTTEN_AFTER_SECONDS = 7 * 24 * 3600


class Pace(NamedTuple):
    """A smooth rate, in microseconds: between two calls, how far ahead of them one may be, the ramp's length."""

    interval: int
    tolerance: int
    ramp: int


class Window(NamedTuple):
    """One window of new requests: our share of it, and the microseconds of one bucket."""

    limit: Limit
    share: int
    bucket: int


class Books(NamedTuple):
    """One processor's budget as the scripts know it."""

    pace: Pace
    calls: Window
    windows: Sequence[Window]
    keys: Sequence[str]


def share_of(limit: Limit, share_percent: int) -> int:
    return max(1, limit.count * share_percent // 100)


def pace(limit: Limit, share_percent: int) -> Pace:
    """The pace at which no window holds more calls than our share of the limit, the burst included."""
    calls = share_of(limit, share_percent)
    burst = max(1, calls // 100)
    interval = -(-limit.seconds * _SECOND // (calls - burst + 1))  # rounded up
    ramp = min(limit.seconds, LONGEST_RAMP_SECONDS) * _SECOND
    return Pace(interval, interval * (burst - 1), ramp)


def open_books(processor: Account, api: str = REQUESTS) -> Books:
    budget, share = connector_for(processor).budget(api), processor.budget_share
    calls = _window(budget.calls, share)
    windows = [_window(limit, share) for limit in budget.new_requests]
    own = f"budget:{processor.pk}:{api}"
    keys = [
        own,
        # What several accounts share at a vendor is shared by API as well.
        f"budget:host:{urlsplit(processor.api_address).hostname}" + ("" if api == REQUESTS else f":{api}"),
        f"{own}:calls:{budget.calls.seconds}",
    ]
    keys += [f"{own}:new:{window.limit.seconds}" for window in windows]
    return Books(pace(budget.calls, share), calls, windows, keys)


def run(script: str, books: Books, **told: object) -> Any:
    """One script, one round trip. Raises NotSent where the store does not answer, BudgetForgotten where it says so."""
    told |= books.pace._asdict()
    told["calls_bucket"] = books.calls.bucket
    told["windows"] = [[window.bucket, window.share, _life(window)] for window in books.windows]
    try:
        answer = store().register_script(script)(keys=books.keys, args=[json.dumps(told)])
    except RedisError as error:
        logger.warning("The queue store does not answer for a budget: %s.", type(error).__name__)
        raise NotSent(Sentence("The queue store that keeps the call budget cannot be reached.")) from None
    if answer == b"forgotten":
        raise BudgetForgotten(
            Sentence("The queue store was emptied. The number of new requests sent is being counted again.")
        )
    return answer


def _window(limit: Limit, share_percent: int) -> Window:
    return Window(limit, share_of(limit, share_percent), -(-limit.seconds * _SECOND // BUCKETS))


def _life(window: Window) -> int:
    """Milliseconds that a window's counts are kept after the last change."""
    return (window.limit.seconds + _FORGOTTEN_AFTER_SECONDS) * 1000


# What is further ahead than it can have been put was put there under a lower limit, or before the store's clock was set
# back. It holds nobody: to wait until the clock is there again could take as long as the clock was wrong.
_BOOKS = f"""
local FOOT, BUCKETS = {FOOT}, {BUCKETS}
local told = cjson.decode(ARGV[1])
local interval, ramp = told.interval, told.ramp
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local kept = redis.call('HMGET', KEYS[1], 'tat', 'busy', 'held', 'new_held', 'slowed')
local tat, busy, held = tonumber(kept[1] or '0'), tonumber(kept[2] or '0'), tonumber(kept[3] or '0')
local new_held, slowed = tonumber(kept[4] or '0'), tonumber(kept[5] or '0')
local host_held = tonumber(redis.call('GET', KEYS[2]) or '0')
local function sound(till, furthest) return till <= now + furthest and till or 0 end
tat = sound(tat, {int(PATIENCE_SECONDS * _SECOND)} + told.tolerance + interval / FOOT + 1)
held = sound(held, {int(LONGEST_PENALTY_SECONDS * _SECOND)})
host_held = sound(host_held, {int(LONGEST_PENALTY_SECONDS * _SECOND)})
new_held = sound(new_held, {int(LONGEST_NEW_PENALTY_SECONDS * _SECOND)})
slowed = sound(slowed, 0)
busy = math.max(busy - math.max(now - tat, 0), 0)
tat = math.max(tat, now)

local function text(number) return string.format('%.0f', number) end

local function keep()
  redis.call('HSET', KEYS[1], 'tat', text(tat), 'busy', text(busy), 'held', text(held),
    'new_held', text(new_held), 'slowed', text(slowed))
  local last = math.max(tat, held, new_held)
  redis.call('PEXPIRE', KEYS[1], text(math.ceil((last - now + ramp) / 1000) + 1000))
end

-- The burst grows with the ramp, so that none stands at its foot.
local function call_slot()
  return math.ceil(math.max(now, tat - told.tolerance * busy / ramp, held, host_held))
end
"""
# A bucket that a window covers in part is counted whole, and so leaves it late rather than early. A window with counts
# of a time to come, because the clock was set back by more than a minute, is forgotten: the database knows them better.
_WINDOWS = """
local function window_slot(key, bucket, share)
  local fields, buckets, sum, known = redis.call('HGETALL', key), {}, 0, false
  local oldest = math.floor(now / bucket) - BUCKETS
  local newest = math.floor((now + 60000000) / bucket)
  for n = 1, #fields, 2 do
    local index = tonumber(fields[n])
    if not index then
      known = true
    elseif index > newest then
      redis.call('DEL', key)
      return nil
    elseif index >= oldest then
      buckets[#buckets + 1] = {index, tonumber(fields[n + 1])}
      sum = sum + tonumber(fields[n + 1])
    end
  end
  if not known then return nil end
  if sum < share then return 0 end
  table.sort(buckets, function(one, other) return one[1] < other[1] end)
  local at = 0
  for _, entry in ipairs(buckets) do
    if sum < share then break end
    sum = sum - entry[2]
    at = (entry[1] + BUCKETS + 1) * bucket
  end
  return at
end

-- When the long windows, and what the vendor said of them, let a new request through; nil: forgotten.
local function opens_at()
  local latest, known = new_held, true
  for n, window in ipairs(told.windows) do
    local at = window_slot(KEYS[3 + n], window[1], window[2])
    known = known and at
    latest = math.max(latest, at or 0)
  end
  return known and latest or nil
end
"""
# new, patience -> taken (1 or 0), the slot's instant, the wait for it. All windows give, or none. A slot ahead is given
# where calls wait for one another; for a long window the caller waits and asks again, and no other call waits with it.
# The ramp is climbed as time passes in use and slid down as it passes idle; the work it does is the effort summed up.
TAKE = (
    _BOOKS
    + _WINDOWS
    + """
local slot = call_slot()
if told.new then
  local opens = opens_at()
  if not opens then return 'forgotten' end
  if opens > slot then return {0, opens, opens - now} end
end
if slot - now > told.patience then return {0, slot, slot - now} end

local function count(key, bucket, life)
  local index = math.floor(slot / bucket)
  if redis.call('HINCRBY', key, text(index), 1) > 1 then return end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if (tonumber(field) or index) < math.floor(now / bucket) - BUCKETS then redis.call('HDEL', key, field) end
  end
  redis.call('PEXPIRE', key, text(life))
end

local top = (1 + FOOT) / 2 * ramp
busy = math.max(busy - math.max(slot - tat, 0), 0)
local work = FOOT * busy + (1 - FOOT) / 2 * busy * busy / ramp + interval
local climbed
if work > top then
  climbed = ramp + work - top
else
  climbed = ramp * (math.sqrt(FOOT * FOOT + 2 * (1 - FOOT) * work / ramp) - FOOT) / (1 - FOOT)
end
tat = math.max(tat, slot) + math.max(interval, math.floor(climbed - busy + 0.5))
busy = math.min(climbed, ramp)
keep()
count(KEYS[3], told.calls_bucket, math.ceil(told.calls_bucket * (BUCKETS + 2) / 1000))
if told.new then
  for n, window in ipairs(told.windows) do count(KEYS[3 + n], window[1], window[3]) end
end
return {1, slot, slot - now}
"""
)
# -> now, tat and busy, the slots of the next call and of the next new request, and the fields of each window.
LOOK = (
    _BOOKS
    + _WINDOWS
    + """
local opens = opens_at()
if not opens then return 'forgotten' end
local answer = {now, tat, math.floor(busy), call_slot(), math.max(call_slot(), opens), redis.call('HGETALL', KEYS[3])}
for n in ipairs(told.windows) do answer[6 + n] = redis.call('HGETALL', KEYS[3 + n]) end
return answer
"""
)
# pause, only_new, cut (what part of the ramp is left), shared
PENALISE = (
    _BOOKS
    + """
local till = now + told.pause
if told.only_new then
  new_held = math.max(new_held, till)
else
  held = math.max(held, till)
  if told.shared and till > host_held then
    redis.call('SET', KEYS[2], text(till), 'PX', text(math.ceil(told.pause / 1000) + 1000))
  end
  if told.left == 0 or now - slowed >= 1000000 then
    busy = busy * told.left
    slowed = now
  end
end
keep()
"""
)
SLOW_DOWN = (
    _BOOKS
    + """
if now - slowed >= 1000000 then
  busy = math.max(busy - ramp / 4, 0)
  slowed = now
  keep()
end
"""
)
# sent: for each window its {bucket index, count}. A window that is known is left as it is. Whoever has a slot may still
# be asleep until it comes, so that is the latest instant there is.
REBUILD = (
    _BOOKS
    + f"""
local latest = now + {int(PATIENCE_SECONDS * _SECOND)}
"""
    + """
for n, window in ipairs(told.windows) do
  local key, newest = KEYS[3 + n], math.floor(latest / window[1])
  if redis.call('HSETNX', key, 'since', text(now)) == 1 then
    for _, entry in ipairs(told.sent[n]) do
      local index = math.min(entry[1], newest)
      if index >= math.floor(now / window[1]) - BUCKETS then redis.call('HINCRBY', key, text(index), entry[2]) end
    end
    redis.call('PEXPIRE', key, text(window[3]))
  end
end
"""
)
