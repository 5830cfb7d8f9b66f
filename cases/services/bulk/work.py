"""Working through a run: a row is locked, judged by the verb's own service, and written, in one transaction each.

The rows are the queue. A worker that dies leaves what it had not finished as it was; its lease ends, and the sweep
wakes another. The lease only spares work: a row that another worker holds is skipped, one that is done is not waiting.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from cases.actor import SCHEDULE, Actor, Source
from cases.models import Action, BulkRow, BulkRun, BulkState, Case, RowState
from cases.models.worded import kept
from cases.services import audit
from cases.services.bulk import preview, runs, undo
from cases.services.bulk.rules import RULES
from cases.services.planning import planning
from cases.services.refusal import Refused
from dsrportal import queueing
from dsrportal.crypto import KeyDestroyed, Unreadable
from dsrportal.models import User
from dsrportal.sentence import NOTHING, Sentence, paragraph

logger = logging.getLogger(__name__)

CHUNK: Final = 50
LEASE_SECONDS: Final = 60
# One job works no longer, so that others of its queue get their turn; it then wakes its successor.
WORK_SECONDS: Final = 20.0
OPEN: Final = (BulkState.PREPARING, BulkState.RUNNING, BulkState.UNDOING)


def unattended(*, now: datetime) -> list[UUID]:
    """Runs that are open and that nobody is working on."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return list(BulkRun.objects.filter(free, state__in=OPEN).order_by().values_list("pk", flat=True)[:100])


def work(run_id: UUID) -> None:
    """Work at a run for 20 s at most; if any is left then, wake a successor."""
    run = _lease(run_id)
    if run is None:
        return
    stop_at = time.monotonic() + WORK_SECONDS
    while time.monotonic() < stop_at:
        if not _chunk(run):
            _end(run)
            break
        if not _renew(run):
            break
    # Not after an error: until the lease ends, nobody runs into it again.
    mine = BulkRun.objects.filter(pk=run.pk, lease_token=run.lease_token)
    mine.update(lease_until=None, lease_token=None)
    runs.note_counts(run)
    if BulkRun.objects.filter(pk=run.pk, state__in=OPEN).exists():
        queueing.wake("cases.jobs.bulk", str(run.pk))


def _lease(run_id: UUID) -> BulkRun | None:
    now = timezone.now()
    free = BulkRun.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), pk=run_id, state__in=OPEN)
    taken = free.update(lease_until=now + timedelta(seconds=LEASE_SECONDS), lease_token=uuid4())
    return BulkRun.objects.select_related("data_key").get(pk=run_id) if taken else None


def _renew(run: BulkRun) -> bool:
    """Whether the run is still ours, and still what it was when we began."""
    mine = BulkRun.objects.filter(pk=run.pk, lease_token=run.lease_token, state=run.state)
    return bool(mine.update(lease_until=timezone.now() + timedelta(seconds=LEASE_SECONDS)))


def _chunk(run: BulkRun) -> bool:
    """The next rows, one after the other; whether there were any."""
    rows = BulkRow.objects.filter(run=run).order_by("pk")
    todo: dict[str, tuple[Any, Callable[[BulkRun, int], None]]] = {
        BulkState.PREPARING: (rows.filter(state=RowState.WAITING, digest=""), read_plan),
        BulkState.RUNNING: (rows.filter(state=RowState.WAITING), work_row),
        BulkState.UNDOING: (rows.filter(state=RowState.UNDOING), undo.undo_row),
    }
    waiting, act = todo[run.state]
    keys = list(waiting.values_list("pk", flat=True)[:CHUNK])
    for key in keys:
        act(run, key)
    return bool(keys)


def read_plan(run: BulkRun, row_id: int) -> None:
    """Freeze the plan of one row. Compare-and-set: what was read first stands."""
    row = BulkRow.objects.select_related("case").get(pk=row_id)
    unread = BulkRow.objects.filter(pk=row_id, state=RowState.WAITING, digest="")
    unread.update(digest=planning.digest(row.case))


def prepare_now(run: BulkRun) -> None:
    """Read the plans of a short list at once, so that nobody has to wait for its preview."""
    if run.state != BulkState.PREPARING:
        return
    unread = BulkRow.objects.filter(run=run, state=RowState.WAITING, digest="")
    if unread[: runs.READ_AT_ONCE + 1].count() <= runs.READ_AT_ONCE:
        work(run.pk)
        run.refresh_from_db(fields=["state", "preview"])


def work_row(run: BulkRun, row_id: int) -> None:
    """One row, judged anew by its service; whatever is refused is written with its sentence."""
    with transaction.atomic():
        row = (
            # The run too: whoever stops it waits for the row that is under way.
            BulkRow.objects.select_for_update(skip_locked=True, of=("self", "run"))
            .select_related("case", "run")
            .filter(pk=row_id, state=RowState.WAITING, run__state=BulkState.RUNNING)
            .first()
        )
        if row is None:
            return
        state, sentence = _judged(run, row)
        BulkRow.objects.filter(pk=row.pk).update(state=state, finished_at=timezone.now(), **kept(sentence))


def _judged(run: BulkRun, row: BulkRow) -> tuple[str, Sentence]:
    try:
        with transaction.atomic():
            _do(run, row.case, row)
    except Refused as refused:
        return RowState.REFUSED, paragraph(refused.sentences)
    except KeyDestroyed:
        return RowState.FAILED, Sentence("The key was destroyed. This can never be read again.")
    except Unreadable:
        return RowState.FAILED, Sentence(
            "This cannot be read. Ask an administrator to check the master keys."
        )
    except OperationalError:
        # The database itself: nothing is said of this row, and the sweep has it tried again.
        raise
    except Exception as error:
        # The name alone: an error's text may quote personal data.
        logger.error("bulk row %s failed: %s", row.pk, type(error).__name__)
        return RowState.FAILED, Sentence("Internal error (%(name)s).", name=type(error).__name__)
    return RowState.DONE, NOTHING


def _do(run: BulkRun, case: Case, row: BulkRow) -> None:
    rule = RULES[run.verb]
    # Read anew each time: roles may be taken away while a run is under way.
    user = User.objects.get(pk=run.created_by_id)
    if not user.is_staff or not user.has_perms(["cases.view_case", rule.permission]):
        raise Refused(Sentence("The user who started this no longer has permission to do it."))
    rule.call(case, actor_of(run, user), run.said, row)


def actor_of(run: BulkRun, user: User) -> Actor:
    return Actor(Source.ADMIN, user=user, address=run.address or "")


def _end(run: BulkRun) -> None:
    """Nothing is left of what the run is at. Compare-and-set: whoever comes second changes nothing."""
    if run.state == BulkState.PREPARING:
        preview.finish(run)
        return
    counts = runs.counts(run)
    left = counts.get(RowState.WAITING, 0)
    with transaction.atomic():
        ended = BulkRun.objects.filter(pk=run.pk, state=run.state, lease_token=run.lease_token).update(
            state=BulkState.CANCELLED if left else BulkState.DONE, finished_at=timezone.now()
        )
        if ended:
            audit.record(
                Action.BULK_FINISHED,
                actor=SCHEDULE,
                details={
                    "verb": str(run.verb),
                    "run": str(run.pk),
                    **{name: counts.get(name, 0) for name in ("done", "refused", "failed", "undone")},
                },
            )
