"""RQ doorways: an id comes in, one service is called. Every job is safe to run twice and at once."""

from uuid import UUID

from cases.services import (
    bulk_work,
    confirming,
    dispatch,
    email_links,
    holding,
    importing,
    link_mail,
    reconciling,
    results,
    searching,
    silence_watch,
    sweeping,
    tasks,
)
from cases.services import purge as retention


def drain(processor_id: str, lane: int) -> None:
    """`lane` only tells apart the wakes of the lanes that work side by side."""
    dispatch.run_lane(UUID(processor_id))


def sweep() -> None:
    sweeping.sweep()


def reports() -> None:
    sweeping.wake_reports()
    silence_watch.look()
    holding.lift()
    tasks.note_overdue()


def report(processor_id: str) -> None:
    reconciling.ask_what_is_due(UUID(processor_id))


def refresh(request_id: str) -> None:
    reconciling.refresh(UUID(request_id))


def purge() -> None:
    retention.purge()


def fetch_result(request_id: str) -> None:
    results.fetch(UUID(request_id))


def confirm(case_id: str) -> None:
    confirming.confirm_case(int(case_id))


def confirmations() -> None:
    sweeping.wake_confirmations()


def preview(case_id: str) -> None:
    searching.preview_planned(int(case_id))


def send_link(confirmation_id: str) -> None:
    link_mail.send(UUID(confirmation_id))


def links() -> None:
    link_mail.wake_due()
    email_links.expire()


def work_import(import_id: str) -> None:
    importing.work(UUID(import_id))


def bulk(run_id: str) -> None:
    bulk_work.work(UUID(run_id))
