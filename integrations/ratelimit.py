"""One budget for each API of a processor, shared by all workers: taken from before a call, told of each answer.

For `integrations.http` alone. https://docs.mparticle.com/guides/default-service-limits/
"""

import logging
import time

from dsrportal.sentence import Sentence
from integrations import budget_store
from integrations.account import Account
from integrations.budget_store import LONGEST_NEW_PENALTY_SECONDS, LONGEST_PENALTY_SECONDS
from integrations.connector import REQUESTS
from integrations.errors import NotSent, RateLimited

logger = logging.getLogger(__name__)

# A 429 without Retry-After.
USUAL_PENALTY_SECONDS = 5.0
# Percent above our own share from which on somebody else must be using the account too.
_MARGIN = 5
_SHARED_SCOPES = frozenset({"org", "account", "system"})


def take(processor: Account, *, new_request: bool = False, api: str = REQUESTS) -> int:
    """Take one call from the budget, sleeping up to 2 s for it. Gives its instant: Unix µs of the store's clock.

    A new request is also taken from each long window; all windows give or none. Raises RateLimited with the wait
    where it is longer, BudgetForgotten where the store was emptied, and NotSent where it cannot be asked: a call is
    never let through uncounted.
    """
    books = budget_store.open_books(processor, api)
    stop_at = time.monotonic() + budget_store.PATIENCE_SECONDS
    while True:
        patience = max(stop_at - time.monotonic(), 0.0)
        taken, slot, wait = budget_store.run(
            budget_store.TAKE, books, new=new_request, patience=_microseconds(patience)
        )
        wait_seconds = wait / 1_000_000
        if not taken and wait_seconds > patience:
            raise _used_up(wait_seconds, new_request=new_request)
        if wait_seconds:
            time.sleep(wait_seconds)
        if taken:
            return int(slot)


def penalise(
    processor: Account,
    seconds: float | None,
    *,
    scope: str = "",
    new_request: bool = False,
    api: str = REQUESTS,
) -> None:
    """Hold calls to a processor back, because it said 429. None: it did not say for how long.

    `scope` is the limit it says is exceeded. Long pauses are those of the long windows: one that a new request met
    holds new requests back and nothing else.
    """
    pause = USUAL_PENALTY_SECONDS if seconds is None else seconds
    only_new = new_request and pause > LONGEST_PENALTY_SECONDS
    _tell(
        budget_store.PENALISE,
        processor,
        api,
        pause=_microseconds(min(pause, LONGEST_NEW_PENALTY_SECONDS if only_new else LONGEST_PENALTY_SECONDS)),
        only_new=only_new,
        left=0 if scope == "acceleration" else 0.5,
        shared=scope in _SHARED_SCOPES,
    )


def heed(processor: Account, used_percent: float, *, api: str = REQUESTS) -> None:
    """Slow down, at most once a second, where the vendor counts more than our share can explain."""
    if used_percent > processor.budget_share + _MARGIN:
        _tell(budget_store.SLOW_DOWN, processor, api)


def _used_up(wait_seconds: float, *, new_request: bool) -> RateLimited:
    what = Sentence("budget of new requests") if new_request else Sentence("call budget")
    return RateLimited(
        Sentence("The portal’s own %(what)s for this processor is used up for now.", what=what),
        retry_after_seconds=wait_seconds,
        scope="portal",
    )


def _tell(script: str, processor: Account, api: str, **told: object) -> None:
    try:
        budget_store.run(script, budget_store.open_books(processor, api), **told)
    except NotSent:
        # The request that met the refusal waits by its own schedule; the others will meet theirs.
        logger.warning("What a processor said of its limits was not shared with other workers.")


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)
