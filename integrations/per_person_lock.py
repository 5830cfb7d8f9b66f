"""One call at a time about one person at one account, over all workers: kept in the queue store, beside the budgets.

For vendors that lock a profile while they work on it, and refuse whoever calls meanwhile.
"""

import logging
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from dsrportal.crypto import blind_index
from dsrportal.queueing import store
from dsrportal.sentence import Sentence
from integrations.errors import NotSent, RateLimited

if TYPE_CHECKING:
    from integrations.models import Processor

logger = logging.getLogger(__name__)

# How long to wait for the one before; whoever is refused after that comes back, as for any 429.
PATIENCE_SECONDS = 1.0
# The turn of a worker that died ends by itself: after longer than any call takes, its wait for the budget included.
LONGEST_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.05

# Not simply deleted: a turn that outlasted itself is another's by now.
_END = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@contextmanager
def turn(
    processor: "Processor", person: str, *, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[None]:
    """Be the only one who calls about this person there. `person` is the vendor's name for them; a hash is stored.

    Raises RateLimited where another call is not over in time, and NotSent where the store cannot be asked.
    """
    key = f"turn:{processor.pk}:{blind_index('turn', person).hex()}"
    token = secrets.token_hex(16)
    stop_at = time.monotonic() + patience_seconds
    while not _begin(key, token):
        if time.monotonic() >= stop_at:
            raise RateLimited(
                Sentence("Another call about the same person is under way at this processor."),
                # As the first wait that Leanplum asks for: docs.leanplum.com, “Responses”.
                retry_after_seconds=random.uniform(1, 3),  # noqa: S311 - so that two do not meet again; not a secret
                scope="portal",
            )
        time.sleep(_LOOK_AGAIN_SECONDS)
    try:
        yield
    finally:
        _end(key, token)


def _begin(key: str, token: str) -> bool:
    try:
        return bool(store().set(key, token, nx=True, px=LONGEST_SECONDS * 1000))
    except RedisError as error:
        logger.warning("The queue store does not answer for a turn: %s.", type(error).__name__)
    raise NotSent(Sentence("The queue store that keeps calls about one person apart cannot be reached."))


def _end(key: str, token: str) -> None:
    try:
        store().eval(_END, 1, key, token)
    except RedisError as error:
        # What was called has been answered; the turn ends by itself.
        logger.warning("The queue store does not answer for the end of a turn: %s.", type(error).__name__)
