"""Limits how often something may happen, counted in the queue store by the store's own clock.

Never more than the number within any stretch of so many seconds. What a store that does not answer means, the caller
says: both functions raise redis.exceptions.RedisError.
"""

from typing import Final

from dsrportal.queueing import store

# The instants of what was counted. What lies ahead of the clock was counted before it was set back.
_LOG: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local window, most = ARGV[1] * 1000000, tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
local taken = redis.call('ZCARD', KEYS[1])
if taken >= most then
  local first = redis.call('ZRANGE', KEYS[1], taken - most, taken - most, 'WITHSCORES')
  return math.ceil((first[2] + window - now) / 1000000)
end
if ARGV[3] == 'count' then
  local instant = string.format('%.0f', now)
  redis.call('ZADD', KEYS[1], instant, instant .. ':' .. taken)
  redis.call('EXPIRE', KEYS[1], ARGV[1] + 1)
end
return 0
"""


def take(key: str, *, most: int, within_seconds: int) -> int:
    """Count one: 0 where it may pass, else the whole seconds until the next one may. Raises RedisError."""
    return _ask(key, most, within_seconds, "count")


def wait_seconds(key: str, *, most: int, within_seconds: int) -> int:
    """The answer of `take` without counting anything. Raises RedisError."""
    return _ask(key, most, within_seconds, "look")


def _ask(key: str, most: int, within_seconds: int, what: str) -> int:
    script = store().register_script(_LOG)
    return int(script(keys=[f"limit:{key}"], args=[within_seconds, most, what]))
