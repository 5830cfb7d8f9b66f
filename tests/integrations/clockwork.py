"""A budget on a clock of the test's own: the true scripts in the true store, days in a second, any order of things."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from dsrportal.queueing import store
from integrations import budget, budget_store, ratelimit
from integrations.errors import RateLimited
from integrations.models import Processor
from integrations.types import BudgetState

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
_STORE_CLOCK = "redis.call('TIME')"


class Clockwork:
    """Some processors' budgets, and what was taken from them. `now` is the store's clock and moves when told to.

    Whoever takes is a worker of its own: while it sleeps the others go on, so its sleep moves no clock but its own.
    """

    def __init__(self, *, limits: str, share: int = 80) -> None:
        self.now = START
        self.processor = self.new_processor(limits=limits, share=share)
        self.calls: list[int] = []
        self.new_requests: list[int] = []
        self._worker = 0.0
        self._run = budget_store.run

    def new_processor(self, *, limits: str, share: int = 80, host: str = "one.example") -> Processor:
        return Processor(
            kind="mparticle",
            data_key_id=uuid4(),
            name="Clockwork",
            account="1",
            base_url=f"https://{host}/v3",
            limits=limits,
            budget_share=share,
        )

    def take(self, *, new_request: bool = False) -> int:
        slot = ratelimit.take(self.processor, new_request=new_request)
        self.calls.append(slot)
        if new_request:
            self.new_requests.append(slot)
        return slot

    def wait_for(self, *, new_request: bool = False) -> float:
        """How long the budget says to wait; it is asked as by a worker with no patience to spare."""
        with pytest.raises(RateLimited) as refusal:
            self.take(new_request=new_request)
        assert refusal.value.retry_after_seconds is not None
        return refusal.value.retry_after_seconds

    def next(self, *, new_request: bool = False) -> int:
        """Take as soon as the budget gives; the clock is then there."""
        while True:
            try:
                self.now = max(self.now, self.take(new_request=new_request))
            except RateLimited as limited:
                self.now += round((limited.retry_after_seconds or 0.0) * SECOND)
            else:
                return self.now

    def state(self) -> BudgetState:
        return budget.state(self.processor)

    def history(self) -> list[tuple[datetime, int]]:
        return [(datetime.fromtimestamp(slot / SECOND, UTC), 1) for slot in self.new_requests]

    def empty_store(self) -> None:
        store().flushdb()

    def run(self, script: str, books: budget_store.Books, **told: object) -> Any:
        assert _STORE_CLOCK in script
        seconds, rest = divmod(self.now, SECOND)
        own = script.replace(_STORE_CLOCK, "{told.at_seconds, told.at_rest}")
        return self._run(own, books, at_seconds=seconds, at_rest=rest, **told)

    def sleep(self, seconds: float) -> None:
        self._worker += seconds

    def monotonic(self) -> float:
        return self._worker


@contextmanager
def clockwork(*, limits: str, share: int = 80) -> Iterator[Clockwork]:
    """With a processor that never sent anything."""
    made = Clockwork(limits=limits, share=share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget_store, "run", made.run)
        patch.setattr(ratelimit, "time", made)
        budget.rebuild(made.processor, [])
        yield made
