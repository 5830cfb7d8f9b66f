"""Working through a file of cases in the background: first only checked, then opened.

A batch of rows is one transaction: the cases, what was wrong with the others, and the place up to which the file was
worked through. Whoever dies in between has done nothing of that batch, and the next one begins it again. A job works
for a few seconds and wakes its successor, so that others get their turn.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from cases.actor import Actor, Source
from cases.lifecycle import UNVERIFIED_TYPES
from cases.models import Action, CaseImport, ImportedRow, ImportFailure, ImportState, StopReason
from cases.models.intake.case_import import WORKING
from cases.services import audit
from cases.services.files import storage as file_storage
from cases.services.imports import columns, csv_lines, files
from cases.services.imports.rows import GoodRow, sort
from cases.services.intake import opening
from cases.services.refusal import Refused, Superseded
from dsrportal.crypto import Unreadable
from dsrportal.database import bulk_insert
from dsrportal.models import User

logger = logging.getLogger(__name__)

BATCH: Final = 250
# An opt-out is planned and queued by itself: it takes as long as so many other rows.
OPT_OUT_ROWS: Final = 10
SLICE_SECONDS: Final = 10
# Far longer than a batch takes; renewed with each.
LEASE_SECONDS: Final = 60
# Claims that got nothing done before the portal gives up.
MOST_ATTEMPTS: Final = 5
# A batch whose rows were imported by somebody else in the same moment is sorted anew.
MOST_TRIES: Final = 3


def waiting() -> QuerySet[CaseImport]:
    """What is to be worked at and nobody works at."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    return CaseImport.objects.filter(free, state__in=sorted(WORKING))


def work(import_id: UUID, *, seconds: float = SLICE_SECONDS) -> None:
    """Work at an import until it is through, or for so many seconds; then somebody else goes on. Safe to repeat."""
    claimed = _claim(import_id)
    if claimed is None:
        return
    until = time.monotonic() + seconds
    try:
        with file_storage.opened(claimed, claimed.data_key.secret()) as file:
            records = csv_lines.Records(
                file, separator=claimed.separator, position=claimed.position, line=claimed.line
            )
            while _one_more(claimed, records) and time.monotonic() < until:
                continue
    except Superseded:
        return
    except (Unreadable, FileNotFoundError):
        logger.error("The file of import %s cannot be read", claimed.pk)
        _stop(claimed, StopReason.UNREADABLE)
    if claimed.state in WORKING:
        _give_back(claimed)
        files.wake(claimed)


def _claim(import_id: UUID) -> CaseImport | None:
    """Under a lease of one's own; None where there is nothing to do, or somebody else does it."""
    token = uuid4()
    taken = waiting().filter(pk=import_id)
    if not taken.update(lease_until=_lease_end(), lease_token=token, attempts=F("attempts") + 1):
        return None
    claimed = CaseImport.objects.select_related("data_key", "started_by", "uploaded_by").get(pk=import_id)
    if claimed.lease_token != token:
        return None
    if claimed.attempts > MOST_ATTEMPTS:
        _stop(claimed, StopReason.FAILING)
    elif claimed.state == ImportState.IMPORTING and not _may_go_on(claimed.started_by):
        _stop(claimed, StopReason.NOT_ALLOWED)
    else:
        return claimed
    return None


def _may_go_on(user: User | None) -> bool:
    return user is not None and user.is_active and user.is_staff and user.has_perms(files.PERMISSIONS)


def _lease_end() -> object:
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)


def _one_more(claimed: CaseImport, records: csv_lines.Records) -> bool:
    """Work through the next batch. False once there is none, and all is done."""
    batch = _batch(claimed, records)
    if not batch:
        _finish(claimed)
        return False
    for left in reversed(range(MOST_TRIES)):
        try:
            _work_through(claimed, batch, records)
            return True
        except Superseded:
            raise
        except (IntegrityError, Refused):
            # Another import has the same rows, or a processor changed, in this moment: look again.
            if not left:
                raise
    raise AssertionError


def _batch(claimed: CaseImport, records: csv_lines.Records) -> list[csv_lines.Record]:
    """The next rows: fewer where there are opt-outs among them, so that no batch outlasts its lease."""
    batch, left = [], BATCH
    column = claimed.columns.index("type")
    for record in records:
        batch.append(record)
        kind = columns.named(record.cells[column]) if column < len(record.cells) else ""
        left -= OPT_OUT_ROWS if kind in UNVERIFIED_TYPES else 1
        if left <= 0:
            break
    return batch


def _work_through(claimed: CaseImport, batch: Sequence[csv_lines.Record], records: csv_lines.Records) -> None:
    with transaction.atomic():
        found = sort(claimed, batch)
        if claimed.state == ImportState.IMPORTING:
            _open(claimed, found.good)
        bulk_insert.insert(ImportFailure, found.failures)
        types = Counter(claimed.by_type) + Counter(each.asked.type for each in found.good)
        _move(
            claimed,
            position=records.position,
            line=records.line,
            rows_done=claimed.rows_done + len(batch),
            good=claimed.good + len(found.good),
            known=claimed.known + found.known,
            failed=claimed.failed + found.failed,
            by_type=dict(types),
            attempts=0,
            lease_until=_lease_end(),
        )


def _open(claimed: CaseImport, good: Sequence[GoodRow]) -> None:
    """The cases, as whoever started the import opens them at the desk; and that these rows were imported."""
    if not good:
        return
    actor = Actor(Source.ADMIN, user=claimed.started_by, address=claimed.started_from or "")
    cases = opening.open_all(
        [each.asked for each in good],
        actor=actor,
        details={"import": str(claimed.pk)},
        # Who wrote what is asked had as much of a hand in it as whoever started it.
        prepared_by=claimed.uploaded_by,
    )
    rows = [
        ImportedRow(
            case=case,
            case_import=claimed,
            line=each.line,
            content=each.content,
            reference=each.reference,
        )
        for case, each in zip(cases, good, strict=True)
    ]
    # In one order everywhere: two imports of the same rows would else wait for each other.
    bulk_insert.insert(ImportedRow, sorted(rows, key=lambda row: bytes(row.content)))


def _move(claimed: CaseImport, **fields: object) -> None:
    """Write how far it is, while the lease is ours. Raises Superseded where it has passed to another worker."""
    if not CaseImport.objects.filter(pk=claimed.pk, lease_token=claimed.lease_token).update(**fields):
        raise Superseded
    for name, value in fields.items():
        setattr(claimed, name, value)


def _finish(claimed: CaseImport) -> None:
    checked = claimed.state == ImportState.CHECKING
    with transaction.atomic():
        _move(
            claimed,
            state=ImportState.CHECKED if checked else ImportState.FINISHED,
            finished_at=None if checked else timezone.now(),
            lease_until=None,
            lease_token=None,
        )
        if not checked:
            counts: audit.Details = {"opened": claimed.good, "known": claimed.known, "failed": claimed.failed}
            _record(Action.IMPORT_FINISHED, claimed, counts)


def _stop(claimed: CaseImport, reason: StopReason) -> None:
    opened = claimed.good if claimed.state == ImportState.IMPORTING else 0
    with transaction.atomic():
        _move(
            claimed,
            state=ImportState.STOPPED,
            stop_reason=reason,
            finished_at=timezone.now(),
            lease_until=None,
            lease_token=None,
        )
        _record(Action.IMPORT_STOPPED, claimed, {"stop": str(reason), "opened": opened})


def _record(action: Action, claimed: CaseImport, counts: audit.Details) -> None:
    """On the portal's own chain, in the name of whoever started it."""
    by = claimed.started_by or claimed.uploaded_by
    actor = Actor(Source.ADMIN, user=by, address=claimed.started_from or "")
    audit.record(action, actor=actor, details={"import": str(claimed.pk), **counts})


def _give_back(claimed: CaseImport) -> None:
    mine = CaseImport.objects.filter(pk=claimed.pk, lease_token=claimed.lease_token)
    mine.update(lease_until=None, lease_token=None)
