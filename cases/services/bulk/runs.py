"""Work on many cases at once: the list is frozen and previewed, then confirmed, stopped, or tried again.

What the rows then do in the background is in `work`, how an approval is taken back in `undo`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.formats import number_format

from cases.actor import Actor
from cases.models import Action, BulkRow, BulkRun, BulkState, BulkVerb, Case, RowState
from cases.models.worded import kept
from cases.services import audit
from cases.services.bulk import preview
from cases.services.bulk.rules import RULES
from cases.services.refusal import Refused, Superseded
from dsrportal import queueing
from dsrportal.models import DataKey
from dsrportal.sentence import NOTHING, Sentence

MOST_CASES: Final = 100_000
# So many plans, as many as a page of the list has, are read while the preview is waited for; more in the background.
READ_AT_ONCE: Final = 50
# What the form said is kept for so long after the end, and shredded then: until then it can be tried again.
SAID_KEPT: Final = timedelta(days=30)


def start(cases: QuerySet[Case], *, verb: str, said: Mapping[str, Any], actor: Actor) -> BulkRun:
    """Freeze these cases as a run that waits to be confirmed. Nothing happens to any of them yet.

    `said` is what the verb's form said, as JSON knows it. Raises Refused for no case at all, or for too many.
    """
    if actor.user is None:
        raise Refused(Sentence("A bulk run must be started by a user."))
    with transaction.atomic():
        run = BulkRun.objects.create(
            data_key=DataKey.make(DataKey.Purpose.CASE),
            verb=verb,
            said=dict(said),
            state=BulkState.PREPARING,
            created_by=actor.user,
            address=actor.address or None,
        )
        run.total = _freeze(run, cases)
        if not run.total:
            raise Refused(Sentence("No cases were selected."))
        if run.total > MOST_CASES:
            raise Refused(
                Sentence(
                    "More than %(most)s cases match. Filter the list first.",
                    most=number_format(MOST_CASES, force_grouping=True),
                )
            )
        _leave_out(run, actor=actor)
        run.save(update_fields=["total"])
        if verb != BulkVerb.APPROVE:
            preview.finish(run)
        else:
            queueing.wake("cases.jobs.bulk", str(run.pk))
    return run


def _freeze(run: BulkRun, cases: QuerySet[Case]) -> int:
    """One statement, in the order of the list; one case more than allowed tells that there are too many."""
    try:
        picked, values = cases.values("pk")[: MOST_CASES + 1].query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_bulkrow (run_id, case_id, state, code, sentence, wording, digest) "  # noqa: S608 (Django's own)
            f"SELECT %s, picked.id, %s, '', '', '{{}}', '' FROM ({picked}) AS picked (id) ON CONFLICT DO NOTHING",
            [run.pk, RowState.WAITING, *values],
        )
        return int(cursor.rowcount)


def _leave_out(run: BulkRun, *, actor: Actor) -> None:
    said = run.said
    for each in RULES[run.verb].left_out(actor, said):
        waiting = BulkRow.objects.filter(run=run, state=RowState.WAITING)
        left_out = waiting.filter(case__in=Case.objects.filter(each.cases))
        left_out.update(state=RowState.LEFT_OUT, code=each.code)


def counts(run: BulkRun) -> dict[str, int]:
    """How many rows are in which state, now."""
    rows = BulkRow.objects.filter(run=run).order_by().values_list("state").annotate(Count("pk"))
    return dict(rows)


def note_counts(run: BulkRun) -> dict[str, int]:
    """Write the counts to the run, for the list of runs."""
    found = counts(run)
    BulkRun.objects.filter(pk=run.pk).update(counts=found)
    return found


def _move(run: BulkRun, to: str, *, of: tuple[str, ...], **fields: Any) -> None:
    """Compare-and-set. Raises Superseded where somebody was faster, or the run has gone on."""
    if not BulkRun.objects.filter(pk=run.pk, state__in=of).update(state=to, **fields):
        raise Superseded(Sentence("This run has changed in the meantime. Review it and try again."))
    run.state = to
    for name, value in fields.items():
        setattr(run, name, value)


def _require_starter(run: BulkRun, actor: Actor) -> None:
    if run.created_by_id != actor.user_id:
        raise Refused(
            Sentence(
                "Only the user who created the preview can confirm it, because it is based on their "
                "permissions."
            )
        )


def begin(run: BulkRun, *, actor: Actor) -> BulkRun:
    """Have the frozen rows worked through in the background. Raises Refused for another person than the starter."""
    _require_starter(run, actor)
    with transaction.atomic():
        waiting = BulkRow.objects.filter(run=run, state=RowState.WAITING).count()
        if not waiting:
            raise Refused(Sentence("There is nothing to do. All cases of this list are skipped."))
        _move(run, BulkState.RUNNING, of=(BulkState.PREVIEWED,), confirmed_at=timezone.now())
        _tell(Action.BULK_STARTED, run, actor=actor, cases=waiting)
        queueing.wake("cases.jobs.bulk", str(run.pk))
    return run


def stop(run: BulkRun, *, actor: Actor) -> BulkRun:
    """What was not begun is not done; what was done stays. A preview is dropped."""
    with transaction.atomic():
        before = (BulkState.PREPARING, BulkState.PREVIEWED, BulkState.RUNNING)
        started = run.confirmed_at is not None
        _move(run, BulkState.CANCELLED, of=before, finished_at=timezone.now())
        if started:
            _tell(Action.BULK_STOPPED, run, actor=actor)
    note_counts(run)
    return run


def retry(run: BulkRun, *, actor: Actor) -> BulkRun:
    """Try again what was refused or failed, and what a stop left waiting; judged anew. Raises Refused for nothing.

    A plan that has changed since the preview stays refused: what was not looked at is not approved.
    """
    _require_starter(run, actor)
    if run.confirmed_at is None:
        raise Refused(Sentence("This run was never confirmed. Start a new one."))
    if run.data_key.destroyed_at is not None:
        raise Refused(Sentence("The details entered for this run have expired. Start a new one."))
    with transaction.atomic():
        _move(run, BulkState.RUNNING, of=(BulkState.DONE, BulkState.CANCELLED), finished_at=None)
        again = BulkRow.objects.filter(run=run, state__in=[RowState.REFUSED, RowState.FAILED])
        count = again.update(state=RowState.WAITING, code="", finished_at=None, **kept(NOTHING))
        waiting = BulkRow.objects.filter(run=run, state=RowState.WAITING).count()
        if not (count or waiting):
            raise Refused(Sentence("Nothing in this run was refused or failed."))
        _tell(Action.BULK_RETRIED, run, actor=actor, cases=waiting)
        queueing.wake("cases.jobs.bulk", str(run.pk))
    return run


def forget_forms() -> None:
    """Shred what was said for runs that ended long ago: notes are with their cases by then.

    A preview that nobody confirmed for as long is dropped, so that what was said for it has an end as well.
    """
    forgotten = BulkRun.objects.filter(
        state__in=[BulkState.PREPARING, BulkState.PREVIEWED], created_at__lt=timezone.now() - SAID_KEPT
    )
    forgotten.update(state=BulkState.CANCELLED, finished_at=timezone.now())
    old = BulkRun.objects.filter(
        finished_at__lt=timezone.now() - SAID_KEPT, data_key__destroyed_at__isnull=True
    )
    for run in old.select_related("data_key").order_by("finished_at")[:500]:
        run.data_key.destroy()


def _tell(action: Action, run: BulkRun, *, actor: Actor, **details: int) -> None:
    audit.record(action, actor=actor, details={"verb": str(run.verb), "run": str(run.pk), **details})
