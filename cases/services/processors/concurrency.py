"""The lanes of a processor: how many work at it side by side, and how they are woken.

A lane is a job; each works with several threads, because most of a call is waiting for its answer. With an answer in
200 ms, mParticle's budget of 13 calls a second needs three of them; eight leave room for slower days.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import connections

from dsrportal import queueing

LANES = 2
THREADS = 4


def wake(processor_id: UUID) -> None:
    """Knock at every lane of a processor once the transaction has committed."""
    for lane in range(LANES):
        queueing.wake("cases.jobs.drain", str(processor_id), lane, queue="outgoing")


def wake_later(processor_id: UUID, *, seconds: float) -> None:
    queueing.wake("cases.jobs.drain", str(processor_id), 0, queue="outgoing", delay_seconds=seconds)


def side_by_side(work: Callable[[UUID], None], processor_id: UUID, *, threads: int) -> None:
    """Have so many threads do the same work, each with its own connections. Raises what the first of them raised."""
    if threads <= 1:
        work(processor_id)
        return

    def alone() -> None:
        try:
            work(processor_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(alone) for _ in range(threads)]:
            future.result()
