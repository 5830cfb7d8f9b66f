"""One call at a time about one person at one account, over all workers: kept in the queue store, beside the budgets.

For vendors that lock a profile while they work on it, and refuse whoever calls meanwhile.
"""

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import LockNotOwnedError, RedisError
from redis.lock import Lock

from dsrportal.crypto import blind_index
from dsrportal.queueing import store
from dsrportal.sentence import Sentence
from integrations.account import Account
from integrations.errors import NotSent, RateLimited

logger = logging.getLogger(__name__)

# How long to wait for the one before; whoever is refused after that comes back, as for any 429.
PATIENCE_SECONDS = 1.0
# The turn of a worker that died ends by itself: after longer than any call takes, its wait for the budget included.
LONGEST_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.05


@contextmanager
def turn(processor: Account, person: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Be the only one who calls about this person there. `person` is the vendor's name for them; a hash is stored.

    Raises RateLimited where another call is not over in time, and NotSent where the store cannot be asked.
    """
    key = f"turn:{processor.pk}:{blind_index('turn', person).hex()}"
    # Its token tells whose turn it is: a turn that outlasted itself is another's by now, and stays theirs.
    lock = store().lock(key, timeout=LONGEST_SECONDS, sleep=_LOOK_AGAIN_SECONDS, thread_local=False)
    if not _begin(lock, patience_seconds):
        raise RateLimited(
            Sentence("Another call about the same person is in progress at this processor."),
            # As the first wait that Leanplum asks for: docs.leanplum.com, “Responses”.
            retry_after_seconds=random.uniform(1, 3),  # noqa: S311 - so that two do not meet again; not a secret
            scope="portal",
        )
    try:
        yield
    finally:
        _end(lock)


def _begin(lock: Lock, patience_seconds: float) -> bool:
    try:
        return bool(lock.acquire(blocking_timeout=patience_seconds))
    except RedisError as error:
        logger.warning("The queue store does not answer for a turn: %s.", type(error).__name__)
    raise NotSent(Sentence("The queue store that coordinates calls about one person cannot be reached."))


def _end(lock: Lock) -> None:
    try:
        with suppress(LockNotOwnedError):
            lock.release()
    except RedisError as error:
        # What was called has been answered; the turn ends by itself.
        logger.warning("The queue store does not answer for the end of a turn: %s.", type(error).__name__)
