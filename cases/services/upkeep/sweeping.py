"""Finding what nobody is working on. The queue may lose every wake-up: this finds the rows again."""

from datetime import timedelta

from django.utils import timezone

from cases.actor import SCHEDULE
from cases.models import CallbackDelivery, Verdict
from cases.services import progress
from cases.services.bulk import work as bulk_work
from cases.services.closing import confirm_erasure
from cases.services.dispatch import cool_off, leases
from cases.services.imports import files as import_files
from cases.services.imports import work as import_work
from cases.services.planning import profile_search
from cases.services.processors import concurrency
from cases.services.reports import callbacks, failures, polling
from cases.services.results import fetching as result_fetching
from dsrportal import queueing
from integrations.models import Processor

# A delivery younger than this may still be in its own request's hands.
UNAPPLIED_SECONDS = 30


def sweep() -> None:
    """Wake lanes for due requests, fetch missing results, apply kept deliveries, settle what disagrees."""
    failures.release_from_conflict()
    cool_off.end_due(now=timezone.now())
    for run_id in bulk_work.unattended(now=timezone.now()):
        queueing.wake("cases.jobs.bulk", str(run_id))
    due = leases.due(now=timezone.now()).filter(processor__in=Processor.objects.sending())
    for processor_id in due.order_by().values_list("processor_id", flat=True).distinct():
        concurrency.wake(processor_id)
    for request_id in result_fetching.waiting().values_list("pk", flat=True)[:500]:
        queueing.wake("cases.jobs.fetch_result", str(request_id), queue="results")
    for case_import in import_work.waiting()[:500]:
        import_files.wake(case_import)
    _apply_kept_deliveries()
    _settle()


def _apply_kept_deliveries() -> None:
    before = timezone.now() - timedelta(seconds=UNAPPLIED_SECONDS)
    unapplied = CallbackDelivery.objects.filter(verdict=Verdict.RECEIVED, received_at__lt=before)
    for delivery_id in unapplied.order_by("received_at").values_list("pk", flat=True)[:500]:
        callbacks.apply_again(delivery_id)


def _settle() -> None:
    for case_id in progress.disagreeing():
        with progress.locked(case_id) as case:
            progress.settle(case, actor=SCHEDULE)


def wake_reports() -> None:
    """Knock for every processor of which something is to be asked for."""
    now = timezone.now()
    for processor in Processor.objects.sending().order_by():
        if polling.is_anything_due(processor, now=now):
            queueing.wake("cases.jobs.report", str(processor.pk))


def wake_confirmations() -> None:
    """Knock for every case of which somebody is to be looked for: once more, or before its approval."""
    for case_id in confirm_erasure.cases_unconfirmed().values_list("pk", flat=True)[: profile_search.AT_ONCE]:
        queueing.wake("cases.jobs.confirm", str(case_id))
    for case_id in profile_search.unpreviewed().values_list("pk", flat=True)[: profile_search.AT_ONCE]:
        queueing.wake("cases.jobs.preview", str(case_id))
