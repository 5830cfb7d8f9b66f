"""Presence hints: who has the same case open now, kept in the queue store for a minute and nowhere else.

No event, no row: nobody is watched. Where the store does not answer there is no hint, and never an error.
"""

import logging
import time
from typing import Final

from redis.exceptions import RedisError

from dsrportal.models import User
from dsrportal.queueing import store

logger = logging.getLogger(__name__)

# A page says so every 20 seconds while it is looked at.
GONE_AFTER_SECONDS: Final = 60


def here(case_id: int, user: User) -> list[str]:
    """Say that this person has the case open. Gives the names of the others who have, the last to come first."""
    now = time.time()
    key = f"portal:presence:{case_id}"
    try:
        with store().pipeline(transaction=True) as asked:
            asked.zadd(key, {str(user.pk): now})
            asked.zremrangebyscore(key, 0, now - GONE_AFTER_SECONDS)
            asked.expire(key, GONE_AFTER_SECONDS)
            asked.zrevrange(key, 0, -1)
            *_done, present = asked.execute()
    except RedisError as error:
        logger.warning("presence: the queue store does not answer (%s)", type(error).__name__)
        return []
    others = [int(member) for member in present if int(member) != user.pk]
    if not others:
        return []
    names = dict(User.objects.filter(pk__in=others, is_active=True).values_list("pk", "username"))
    return [names[pk] for pk in others if pk in names]
