"""Taking back what was approved in bulk: row by row, or all that is left, until a row's first attempt."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from cases.actor import Actor, Source
from cases.lifecycle import RequestStatus
from cases.models import Action, BulkRow, BulkRun, BulkState, BulkVerb, ProcessorRequest, RowState
from cases.models.worded import kept
from cases.services import audit
from cases.services.bulk import runs
from cases.services.planning import change_plan
from cases.services.refusal import Refused, Superseded
from dsrportal import queueing
from dsrportal.models import User
from dsrportal.sentence import NOTHING, Sentence, paragraph

# While all that is left is being undone, none of it leaves: longer than any list takes.
KEPT_BACK: Final = timedelta(days=1)


def undo(row: BulkRow, *, actor: Actor) -> None:
    """Take one approval back. Raises Refused once a part of it was attempted; the locks decide who was first."""
    with transaction.atomic():
        locked = _locked(row.pk, RowState.DONE)
        if locked is None:
            raise Superseded(Sentence("There is nothing left to undo."))
        _take_back(locked, actor=actor)
    runs.note_counts(row.run)


def undo_all(run: BulkRun, *, actor: Actor) -> BulkRun:
    """Take back everything of a run that has not left yet, in the background; a run under way is stopped by it.

    At once and in one statement nothing more of it may leave; what had left already stays as it is.
    Raises Refused where nothing is left to undo, Superseded where the run went on in the meantime.
    """
    if run.verb != BulkVerb.APPROVE:
        raise Refused(Sentence("Only an approval can be undone."))
    states = (BulkState.RUNNING, BulkState.DONE, BulkState.CANCELLED)
    with transaction.atomic():
        # First, since this waits for the row that is under way: then none is done any more.
        moved = BulkRun.objects.filter(pk=run.pk, state__in=states).update(
            state=BulkState.UNDOING, undone_by=actor.user, lease_until=None, lease_token=None
        )
        if not moved:
            raise Superseded(Sentence("This run has changed in the meantime. Review it and try again."))
        # In the order of their keys, as everywhere: others may hold some of them.
        list(_cooling(run).select_for_update(no_key=True).order_by("pk").values_list("pk"))
        _cooling(run).update(not_before_at=timezone.now() + KEPT_BACK)
        done = BulkRow.objects.filter(run=run, state=RowState.DONE)
        count = done.update(state=RowState.UNDOING, **kept(NOTHING))
        if not count:
            raise Refused(Sentence("There is nothing left to undo."))
        audit.record(
            Action.BULK_UNDO_STARTED,
            actor=actor,
            details={"verb": str(run.verb), "run": str(run.pk), "cases": count},
        )
        queueing.wake("cases.jobs.bulk", str(run.pk))
    run.refresh_from_db()
    return run


def undo_row(run: BulkRun, row_id: int) -> None:
    """Take back one row; where that is refused the row stays done, and goes on its way.

    Raises Refused where whoever wanted it undone may no longer do that.
    """
    with transaction.atomic():
        row = _locked(row_id, RowState.UNDOING)
        if row is None:
            return
        try:
            with transaction.atomic():
                user = User.objects.filter(pk=run.undone_by_id or 0).first()
                if (
                    user is None
                    or not user.is_staff
                    or not user.has_perms(["cases.view_case", "cases.approve_case"])
                ):
                    raise Refused(
                        Sentence("The user who requested the undo no longer has permission to do this.")
                    )
                _take_back(row, actor=Actor(Source.ADMIN, user=user))
        except Refused as refused:
            sentence = Sentence("Not undone: %(why)s", why=paragraph(refused.sentences))
            BulkRow.objects.filter(pk=row.pk).update(state=RowState.DONE, **kept(sentence))
            _cooling(run).filter(case=row.case_id).update(not_before_at=timezone.now())


def undoable(run: BulkRun) -> bool:
    """Whether anything approved in this run cools off still."""
    return run.verb == BulkVerb.APPROVE and _cooling(run).exists()


def _cooling(run: BulkRun) -> QuerySet[ProcessorRequest]:
    """What cools off by an approval of this run, not by one that came after it."""
    approved = BulkRow.objects.filter(
        run=run, state__in=[RowState.DONE, RowState.UNDOING], digest=F("case__approval_digest")
    )
    return ProcessorRequest.objects.filter(
        case__in=approved.values("case"),
        status=RequestStatus.QUEUED,
        not_before_at__isnull=False,
    )


def _locked(row_id: int, state: str) -> BulkRow | None:
    return (
        BulkRow.objects.select_for_update(of=("self",))
        .select_related("case", "run")
        .filter(pk=row_id, state=state, run__verb=BulkVerb.APPROVE)
        .first()
    )


def _take_back(row: BulkRow, *, actor: Actor) -> None:
    change_plan.take_back(row.case, actor=actor, digest=row.digest)
    BulkRow.objects.filter(pk=row.pk).update(
        state=RowState.UNDONE, finished_at=timezone.now(), **kept(NOTHING)
    )
