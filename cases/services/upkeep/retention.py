"""Retention: deletes what has outlived its purpose, and names where each time is set."""

from datetime import timedelta
from typing import Any, Final

from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from cases.actor import SCHEDULE
from cases.models import Action, Attachment, CaseImport, PackageState, ResultPackage
from cases.services import audit
from cases.services.bulk import runs as bulk_runs
from cases.services.files import storage as file_storage
from cases.services.imports import files as import_files
from cases.services.intake import receipts
from cases.services.planning import suggestions
from cases.services.results.fetching import KEPT

# Longer than any download takes: until then a file without a row may be one that is still coming in.
UNKNOWN_FOR = timedelta(days=1)
# Every model whose rows have files, each in a folder of its own.
WITH_FILES: Final[tuple[Any, ...]] = (ResultPackage, Attachment, CaseImport)


def purge() -> None:
    """Delete all that is past its time; each step may be cut short and goes on with the next round.

    Result packages go at their own expiry (setting `PACKAGE_DAYS`), files of imports at theirs (`imports.files.KEPT`),
    suggestions of duplicates when a case closes, forms of bulk runs after `bulk.runs.SAID_KEPT`, idempotency keys
    after `intake.receipts.REMEMBERED`, and files that no row names after `UNKNOWN_FOR`.
    """
    expired_packages()
    import_files.expire()
    unknown_files()
    suggestions.forget_closed()
    bulk_runs.forget_forms()
    receipts.forget_keys()


def expired_packages() -> int:
    """Delete the stored files of expired packages, sealed ones too; their hash and the events stay. How many."""
    expired = ResultPackage.objects.filter(state__in=KEPT, expires_at__lte=timezone.now())
    deleted = 0
    for package_id in list(expired.order_by("pk").values_list("pk", flat=True)[:500]):
        # Dropped meanwhile, to be fetched again, its file goes with it.
        package = (
            ResultPackage.objects.select_related("processor_request__case").filter(pk=package_id).first()
        )
        deleted += _delete(package) if package else 0
    return deleted


def _delete(package: ResultPackage) -> int:
    # The file first: a crash in between leaves a row that is tried again, never a file that nobody knows.
    file_storage.delete(package.stored_name)
    with transaction.atomic():
        # What was found in it goes with it.
        if not ResultPackage.objects.filter(pk=package.pk, state__in=KEPT).update(
            state=PackageState.EXPIRED, doubt="", summary=None
        ):
            return 0
        audit.record(
            Action.RESULT_EXPIRED,
            actor=SCHEDULE,
            case=package.processor_request.case,
            details={"package": str(package.pk), "sha256": package.sha256},
        )
    return 1


def unknown_files() -> int:
    """Delete files that no row names: a worker that dies in mid-download leaves one behind. How many."""
    return sum(_unknown_files(model) for model in WITH_FILES)


def _unknown_files(model: Any) -> int:
    storage = storages["packages"]
    try:
        listed = storage.listdir(model.folder)[1]
    except FileNotFoundError:  # nothing was ever stored
        return 0
    names = [f"{model.folder}{name}" for name in listed if name.endswith(".sealed")]
    before = timezone.now() - UNKNOWN_FOR
    old = [name for name in names if storage.get_modified_time(name) < before]
    known = set(model.objects.filter(stored_name__in=old).values_list("stored_name", flat=True))
    unknown = [name for name in old if name not in known]
    for name in unknown:
        storage.delete(name)
    return len(unknown)
