"""Links that lead nowhere, counted by the address that opens them. No token can be guessed; the load can be limited."""

import logging
from typing import Final

from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from dsrportal import limiter

logger = logging.getLogger(__name__)

# Mail scanners of one company come from one address, and open old links too.
MOST: Final = 60
WITHIN_SECONDS: Final = 600


def too_many(address: str) -> bool:
    """Whether this address has opened too many of late. Without the queue store nobody is turned away."""
    try:
        return limiter.wait_seconds(_key(address), most=MOST, within_seconds=WITHIN_SECONDS) > 0
    except RedisError:
        logger.warning("The queue store cannot be reached: links that lead nowhere are not counted.")
        return False


def note(address: str) -> None:
    """Count one link that led nowhere."""
    try:
        limiter.take(_key(address), most=MOST, within_seconds=WITHIN_SECONDS)
    except RedisError:
        logger.warning("The queue store cannot be reached: links that lead nowhere are not counted.")


def _key(address: str) -> str:
    """Says nothing of the address."""
    return "guesses:" + salted_hmac("cases.guesses", address).hexdigest()
