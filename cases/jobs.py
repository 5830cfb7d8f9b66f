"""RQ doorways: an id comes in, one service is called. Every job is safe to run twice and at once."""

from uuid import UUID

from cases.services.bulk import work as bulk_work
from cases.services.closing import confirm_erasure
from cases.services.dispatch import dispatch
from cases.services.imports import work as import_work
from cases.services.person import email_links
from cases.services.person import mail as link_mail
from cases.services.planning import erasure_hold, profile_search, tasks
from cases.services.reports import reconciling, silence_watch
from cases.services.results import fetching as result_fetching
from cases.services.upkeep import retention, sweeping


def drain(processor_id: str, lane: int) -> None:
    """`lane` only tells apart the wakes of the lanes that work side by side."""
    dispatch.run_lane(UUID(processor_id))


def sweep() -> None:
    sweeping.sweep()


def reports() -> None:
    sweeping.wake_reports()
    silence_watch.watch()
    erasure_hold.release_due()
    tasks.note_overdue()


def report(processor_id: str) -> None:
    reconciling.ask_what_is_due(UUID(processor_id))


def refresh(request_id: str) -> None:
    reconciling.refresh(UUID(request_id))


def purge() -> None:
    retention.purge()


def fetch_result(request_id: str) -> None:
    result_fetching.fetch(UUID(request_id))


def confirm(case_id: str) -> None:
    confirm_erasure.confirm_case(int(case_id))


def confirmations() -> None:
    sweeping.wake_confirmations()


def preview(case_id: str) -> None:
    profile_search.preview_planned(int(case_id))


def send_link(confirmation_id: str) -> None:
    link_mail.send(UUID(confirmation_id))


def links() -> None:
    link_mail.wake_due()
    email_links.expire()


def work_import(import_id: str) -> None:
    import_work.work(UUID(import_id))


def bulk(run_id: str) -> None:
    bulk_work.work(UUID(run_id))
