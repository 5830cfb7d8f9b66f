"""Deleting what has outlived its purpose: for now, result packages past their expiry."""

from django.core.files.storage import storages
from django.db import transaction
from django.utils import timezone

from cases.actor import SCHEDULE
from cases.models import Action, PackageState, ResultPackage
from cases.services import audit


def expired_packages() -> int:
    """Delete the stored files of expired packages; their hash and the events stay. How many."""
    expired = ResultPackage.objects.filter(state=PackageState.FETCHED, expires_at__lte=timezone.now())
    deleted = 0
    for package_id in list(expired.order_by("pk").values_list("pk", flat=True)[:500]):
        deleted += _delete(ResultPackage.objects.select_related("processor_request__case").get(pk=package_id))
    return deleted


def _delete(package: ResultPackage) -> int:
    # The file first: a crash in between leaves a row that is tried again, never a file that nobody knows.
    storages["packages"].delete(package.stored_name)
    with transaction.atomic():
        if not ResultPackage.objects.filter(pk=package.pk, state=PackageState.FETCHED).update(
            state=PackageState.EXPIRED
        ):
            return 0
        audit.record(
            Action.RESULT_EXPIRED,
            actor=SCHEDULE,
            case=package.processor_request.case,
            details={"package": str(package.pk), "sha256": package.sha256},
        )
    return 1
