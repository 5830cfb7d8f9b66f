"""Limits the calls of each intake source in any 60 seconds.

A store that does not answer lets nothing pass: a form is told to try again, and by its idempotency key may do so
without harm; a call that nobody counts would be without a limit.
"""

from typing import Final

from redis.exceptions import RedisError

from cases.models import IntakeSource
from dsrportal import limiter

WINDOW_SECONDS: Final = 60


class Uncounted(Exception):
    """The queue store cannot be asked."""


def take(source: IntakeSource) -> int:
    """Count one call: 0 where it may pass, else the whole seconds until the next one may. Raises Uncounted."""
    try:
        return limiter.take(f"intake:{source.pk}", most=source.per_minute, within_seconds=WINDOW_SECONDS)
    except RedisError as error:
        raise Uncounted from error
