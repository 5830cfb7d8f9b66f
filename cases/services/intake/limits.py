"""Limits the calls of each intake source, counted in the queue store by the store's own clock.

Never more than its number in any 60 seconds. A store that does not answer lets nothing pass: a form is told to try
again, and by its idempotency key may do so without harm; a call that nobody counts would be without a limit.
"""

from typing import Final

from redis.exceptions import RedisError

from cases.models import IntakeSource
from dsrportal.queueing import store

WINDOW_SECONDS: Final = 60

# The instants of the calls of the last minute. What lies ahead of the clock was counted before it was set back.
_TAKE: Final = """
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
local instant = string.format('%.0f', now)
redis.call('ZADD', KEYS[1], instant, instant .. ':' .. taken)
redis.call('EXPIRE', KEYS[1], ARGV[1] + 1)
return 0
"""


class Uncounted(Exception):
    """The queue store cannot be asked."""


def take(source: IntakeSource) -> int:
    """Count one call: 0 where it may pass, else the whole seconds until the next one may. Raises Uncounted."""
    try:
        script = store().register_script(_TAKE)
        return int(script(keys=[f"intake:{source.pk}"], args=[WINDOW_SECONDS, source.per_minute]))
    except RedisError as error:
        raise Uncounted from error
