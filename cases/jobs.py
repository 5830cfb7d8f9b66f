"""RQ doorways: an id comes in, one service is called. Every job is safe to run twice and at once."""

from uuid import UUID

from cases.services import dispatch, reconciling, results, sweeping
from cases.services.purge import expired_packages
from integrations.models import Processor


def drain(processor_id: str, lane: int) -> None:
    """`lane` only tells apart the wakes of the lanes that work side by side."""
    dispatch.run_lane(UUID(processor_id))


def sweep() -> None:
    sweeping.sweep()


def reports() -> None:
    sweeping.wake_reports()


def report(processor_id: str) -> None:
    processor = Processor.objects.select_related("data_key").get(pk=processor_id)
    if processor.paused_at is None:
        reconciling.reconcile(processor, reconciling.silent(processor.pk))


def refresh(request_id: str) -> None:
    reconciling.refresh(UUID(request_id))


def purge() -> None:
    expired_packages()


def fetch_result(request_id: str) -> None:
    results.fetch(UUID(request_id))
