"""Files of cases to import: taken in, started, discarded, and their failed rows given back.

A file lies encrypted under a key of its own, and for a week. What is wrong with its form as a whole is said before
it is stored; each row is checked in the background, and nothing is opened before somebody starts the import.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import BinaryIO, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from cases.actor import SCHEDULE, Actor
from cases.lifecycle import UNVERIFIED_TYPES
from cases.models import Action, CaseImport, ImportFailure, ImportState
from cases.models.intake.case_import import WORKING
from cases.services import audit
from cases.services.files import storage as file_storage
from cases.services.files import uploads
from cases.services.imports import columns as import_columns
from cases.services.imports import csv_lines
from cases.services.refusal import Refused, Superseded
from dsrportal import queueing
from dsrportal.crypto import Unreadable
from dsrportal.models import DataKey
from dsrportal.sentence import Sentence
from dsrportal.spreadsheet import as_typed
from integrations.types import IdentityType

logger = logging.getLogger(__name__)

MOST_ROWS: Final = 100_000
KEPT: Final = timedelta(days=7)
# What whoever starts an import must be allowed, also while it runs.
PERMISSIONS: Final = ("cases.add_caseimport", "cases.add_case")


def upload(file: UploadedFile, *, source: str, actor: Actor) -> CaseImport:
    """Keep a file, encrypted, and have its rows checked. Raises Refused where it cannot be read as a whole."""
    size_bytes = uploads.checked_size(file)
    if actor.user is None:
        raise Refused(Sentence("A case must be opened by a user."))
    content: BinaryIO = file.file  # type: ignore[assignment]
    columns, separator, records = csv_lines.headings(content)
    refused = import_columns.problems(columns)
    if refused:
        raise Refused(*refused)
    position, line, count = records.position, records.line, _counted(records)
    now = timezone.now()
    made = CaseImport(
        data_key=DataKey.make(DataKey.Purpose.IMPORT),
        file_name=(file.name or "")[:200],
        size_bytes=size_bytes,
        source=source,
        columns=columns,
        separator=separator,
        row_count=count,
        state=ImportState.CHECKING,
        uploaded_by=actor.user,
        uploaded_at=now,
        expires_at=now + KEPT,
        position=position,
        line=line,
    )
    content.seek(0)
    file_storage.save(made, file.chunks(), made.data_key.secret())
    with transaction.atomic():
        made.save(force_insert=True)
        _record(Action.IMPORT_UPLOADED, made, actor=actor, rows=count)
        wake(made)
    return made


def _counted(records: Iterable[csv_lines.Record]) -> int:
    """How many rows there are: reads to the end, so that a file that breaks off is refused as a whole."""
    count = sum(1 for _row in records)
    if not count:
        raise Refused(Sentence("The file has no rows after the first line."))
    if count > MOST_ROWS:
        raise Refused(
            Sentence(
                "The file has %(count)d rows. At most %(most)d can be imported at once. Split the file.",
                count=count,
                most=MOST_ROWS,
            )
        )
    return count


def wake(made: CaseImport) -> None:
    queueing.wake("cases.jobs.work_import", str(made.pk))


def start(made: CaseImport, *, actor: Actor) -> None:
    """Import what was checked. Raises Superseded where somebody was faster, Refused where the file has expired."""
    with transaction.atomic():
        locked = _locked(made)
        if locked.state != ImportState.CHECKED:
            raise Superseded
        # The schedule may be deleting the file at this moment.
        if not locked.stored_name or locked.expires_at <= timezone.now():
            raise Refused(Sentence("The file has expired. Upload it again."))
        records = _first_record(locked)
        # Each row is checked once more as it is opened: what was wrong may be right by now.
        locked.failures.all().delete()
        _write(
            locked,
            state=ImportState.IMPORTING,
            started_by=actor.user,
            started_from=actor.address or None,
            started_at=timezone.now(),
            position=records.position,
            line=records.line,
            rows_done=0,
            good=0,
            known=0,
            failed=0,
            by_type={},
            attempts=0,
        )
        _record(Action.IMPORT_STARTED, locked, actor=actor, rows=locked.row_count)
        wake(locked)


def discard(made: CaseImport, *, actor: Actor) -> None:
    """Delete a file that nobody started to import. Raises Superseded where somebody did."""
    with transaction.atomic():
        locked = _locked(made)
        if locked.state not in {ImportState.CHECKING, ImportState.CHECKED} or not locked.stored_name:
            raise Superseded
        _write(locked, state=ImportState.DISCARDED, finished_at=timezone.now(), lease_token=None)
        _record(Action.IMPORT_DISCARDED, locked, actor=actor)
    _delete(locked)


def expire() -> int:
    """Delete the files of imports that are old enough, and what was wrong with their rows. How many."""
    old = CaseImport.objects.filter(expires_at__lte=timezone.now()).exclude(stored_name="")
    expired = list(old.exclude(state__in=WORKING).select_related("data_key")[:500])
    for made in expired:
        _delete(made)
    return len(expired)


def _delete(made: CaseImport) -> None:
    """The file, its key, its name, and the sentences about its rows."""
    # The file first: a crash in between leaves a row that is tried again, never a file that nobody knows.
    file_storage.delete(made.stored_name)
    with transaction.atomic():
        made.data_key.destroy()
        made.failures.all().delete()
        # An encrypted column is written by saving; what was not looked at stays as it is.
        made.stored_name, made.file_name = "", None
        made.save(update_fields=["stored_name", "file_name"])
        if made.state != ImportState.DISCARDED:
            _record(Action.IMPORT_EXPIRED, made, actor=SCHEDULE)


def failed_rows(made: CaseImport, *, actor: Actor) -> Iterator[Sequence[str]]:
    """The rows that failed, each behind its line and what is wrong with it, as they are read from the file.

    That they were taken is written before the first is given. Raises Refused where the file is gone or cannot be read.
    """
    if not made.stored_name:
        raise Refused(Sentence("The file and its rows were deleted."))
    # Before the first row is on its way: afterwards nobody could be told.
    _opened(made).close()
    with transaction.atomic():
        _record(Action.IMPORT_DOWNLOADED, made, actor=actor, failed=made.failed)
    return _failed_rows(made)


def failed_columns(made: CaseImport) -> list[str]:
    """The columns of the file of failed rows: such a file can be corrected and imported as it is."""
    return [*import_columns.REMARKS, *_kept(made)]


def _kept(made: CaseImport) -> list[str]:
    return [column for column in made.columns if column not in import_columns.REMARKS]


def _failed_rows(made: CaseImport) -> Iterator[Sequence[str]]:
    failures = ImportFailure.objects.filter(case_import=made).order_by("line", "id")
    by_line = groupby(failures.iterator(chunk_size=1000), key=lambda failure: failure.line)
    kept = [made.columns.index(column) for column in _kept(made)]
    with _opened(made) as file:
        records = iter(csv_lines.Records(file, separator=made.separator))
        for line, found in by_line:
            record = next(record for record in records if record.line == line)
            cells = [*record.cells, *[""] * len(made.columns)]
            said = " ".join(failure.sentence.english for failure in found)
            # As they were meant: the file that is made of them protects them anew.
            yield [str(line), said, *(as_typed(cells[index]) for index in kept)]


def kinds_of_failure(made: CaseImport) -> list[tuple[Sentence, int]]:
    """Each sentence with the number of rows it was said of, the most frequent first."""
    found = made.failures.order_by().values_list("sentence", "wording").annotate(rows=Count("id"))
    kinds = found.order_by("-rows", "sentence")[:20]
    return [(Sentence.read(wording) if wording else sentence, rows) for sentence, wording, rows in kinds]


def first_failures(made: CaseImport, *, lines: int) -> list[tuple[int, list[Sentence]]]:
    """The first failed lines, with the sentences about each."""
    first = made.failures.order_by("line").values_list("line", flat=True).distinct()[:lines]
    found: dict[int, list[Sentence]] = defaultdict(list)
    for failure in made.failures.filter(line__in=list(first)):
        found[failure.line].append(failure.sentence)
    return sorted(found.items())


def sent_at_once(made: CaseImport) -> int:
    """How many of its cases leave as they are opened, without anybody's approval."""
    return sum(count for kind, count in made.by_type.items() if kind in UNVERIFIED_TYPES)


def template() -> list[str]:
    """The columns of an empty file to fill in; more of each type are numbered (`email_2`)."""
    kinds = [str(kind) for kind in IdentityType.values]
    first = ["reference", "type", "regulation", "received_at", *kinds]
    return [*first, f"{import_columns.CORRECT}email", "purposes", "skip_waiting_period", "group"]


def _locked(made: CaseImport) -> CaseImport:
    return CaseImport.objects.select_for_update(of=("self",)).select_related("data_key").get(pk=made.pk)


def _write(made: CaseImport, **fields: object) -> None:
    CaseImport.objects.filter(pk=made.pk).update(**fields)
    for name, value in fields.items():
        setattr(made, name, value)


def _first_record(made: CaseImport) -> csv_lines.Records:
    """Behind the line of columns."""
    with _opened(made) as file:
        return csv_lines.headings(file)[2]


def _opened(made: CaseImport) -> BinaryIO:
    """The clear file. Raises Refused where what is stored cannot be read, or is gone from its disk."""
    try:
        return file_storage.opened(made, made.data_key.secret())
    except (Unreadable, FileNotFoundError):
        logger.error("The file of import %s cannot be read", made.pk)
        raise Refused(Sentence("The stored file cannot be read. Upload it again.")) from None


def _record(action: Action, made: CaseImport, *, actor: Actor, **counts: int) -> None:
    """On the portal's own chain; numbers alone."""
    audit.record(action, actor=actor, details={"import": str(made.pk), **counts})
