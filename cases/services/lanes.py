"""The lanes of a processor: how many work at it side by side, and how they are woken."""

from uuid import UUID

from dsrportal import queueing

LANES = 2


def wake(processor_id: UUID) -> None:
    """Knock at every lane of a processor once the transaction has committed."""
    for lane in range(LANES):
        queueing.wake("cases.jobs.drain", str(processor_id), lane, queue="outgoing")


def wake_later(processor_id: UUID, *, seconds: float) -> None:
    queueing.wake("cases.jobs.drain", str(processor_id), 0, queue="outgoing", delay_seconds=seconds)
