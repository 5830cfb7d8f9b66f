"""Links that lead nowhere, counted by the address that opens them. No token can be guessed; the load can be limited."""

import logging
from typing import Final

from django.core.cache import cache
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)

# Mail scanners of one company come from one address, and open old links too.
MOST: Final = 60
WITHIN_SECONDS: Final = 600


def too_many(address: str) -> bool:
    """Whether this address has opened too many of late. Without the cache nobody is turned away."""
    try:
        return int(cache.get(_key(address), 0)) >= MOST
    except Exception:
        logger.warning("The cache cannot be reached: links that lead nowhere are not counted.")
        return False


def note(address: str) -> None:
    try:
        if not cache.add(_key(address), 1, timeout=WITHIN_SECONDS):
            cache.incr(_key(address))
    except Exception:
        logger.warning("The cache cannot be reached: links that lead nowhere are not counted.")


def _key(address: str) -> str:
    """Says nothing of the address."""
    return "guesses:" + salted_hmac("cases.guesses", address).hexdigest()
