"""An erasure waits while the same person has an access or portability case open: what is erased cannot be shown.

The same person is told by identities that were verified, never by what somebody typed alone.
"""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from cases.actor import SCHEDULE, Actor
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import (
    Action,
    AttentionItem,
    AttentionKind,
    Case,
    ClockKind,
    ProcessorRequest,
    SubjectIdentity,
)
from cases.services import attention, audit, notes, progress, versions
from cases.services.planning import planning
from cases.services.processors import concurrency
from cases.services.progress import WITH_RESULT
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import RequestType

# So long before the latest safe day somebody is told.
WARNED_BEFORE = timedelta(days=2)
# How such an item was settled without a decision of anybody: the next one is told of again.
_ANEW = ("changed", "released", "ended", "other_closed")
RELEASE_REASONS = {
    "answered_already": Sentence("The requester has received what they asked for"),
    "person_insists": Sentence("The requester wants the erasure first"),
    "deadline": Sentence("Otherwise the erasure could not be carried out in time"),
}


def blocker(case: Case) -> Case | None:
    """The access or portability case of the same person that this erasure waits for: the one received first."""
    if case.type != RequestType.ERASURE or case.verified_at is None or case.block_released_at is not None:
        return None
    mine = SubjectIdentity.objects.filter(subject=case.subject_id, verified_at__isnull=False)
    same = Case.objects.filter(
        type__in=sorted(WITH_RESULT),
        verified_at__isnull=False,
        subject__identities__blind_index__in=mine.values("blind_index"),
        subject__identities__verified_at__isnull=False,
    )
    # What was closed as a duplicate is answered by the case that goes on.
    keys = {kept or key for key, kept in same.values_list("pk", "duplicate_of")}
    others = Case.objects.filter(pk__in=keys).exclude(status=CaseStatus.CLOSED)
    return others.order_by("received_at", "pk").first()


def is_held(case: Case) -> bool:
    return case.blocked_by_id is not None and case.status != CaseStatus.CLOSED


def refresh(case: Case, *, actor: Actor) -> None:
    """Bring a locked case's waiting in line with what it waits for, its queued requests with it."""
    other = blocker(case)
    before = case.blocked_by
    if other is not None and other.pk != case.blocked_by_id:
        # What was told names the one before.
        attention.resolve_all(AttentionKind.HELD, actor=actor, resolution="other_closed", case=case)
        progress.write(case, blocked_by=other)
        audit.record(Action.CASE_HELD, actor=actor, case=case, details={"other": other.reference})
    elif other is None and before is not None:
        progress.write(case, blocked_by=None)
        audit.record(
            Action.CASE_RELEASED, actor=actor, case=case, reason="closed", details={"other": before.reference}
        )
    _hold_requests(case, actor=actor)


def end(case: Case, *, actor: Actor) -> None:
    """A locked case of which nothing is to be sent any more: it waits for nobody, and nobody need be told."""
    before = case.blocked_by
    if before is not None:
        progress.write(case, blocked_by=None)
        audit.record(
            Action.CASE_RELEASED, actor=actor, case=case, reason="ended", details={"other": before.reference}
        )
    attention.resolve_all(AttentionKind.HELD, actor=actor, resolution="ended", case=case)


def _hold_requests(case: Case, *, actor: Actor) -> None:
    held = case.blocked_by_id is not None
    queued = ProcessorRequest.objects.filter(
        case=case, status=RequestStatus.QUEUED, attempts=0, held=not held
    )
    processors = set(queued.values_list("processor", flat=True))
    queued.update(held=held)
    if not held:
        attention.resolve_all(AttentionKind.HELD, actor=actor, resolution="released", case=case)
        for processor_id in processors:
            concurrency.wake(processor_id)


def release(case: Case, *, actor: Actor, reason: str, text: str = "") -> Case:
    """Let an erasure go although the other case is open. Raises Refused where it is not held."""
    if reason not in RELEASE_REASONS:
        raise Refused(Sentence("Choose one of the listed reasons."))
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.HOLD)
        other = locked.blocked_by
        if other is None:
            raise Refused(Sentence("This case is not on hold because of another case."))
        note = notes.write(locked, text, actor=actor)
        progress.write(locked, blocked_by=None, block_released_at=timezone.now())
        audit.record(
            Action.CASE_RELEASED,
            actor=actor,
            case=locked,
            reason=reason,
            note=note,
            details={"other": other.reference},
        )
        _hold_requests(locked, actor=actor)
        progress.settle(locked, actor=actor)
        return locked


def latest_safe_at(case: Case) -> datetime:
    """The last instant at which an erasure can still leave and be answered in time, by what its vendors promise."""
    asked = [request.processor for request in progress.current_requests(case).select_related("processor")]
    longest = max(
        (
            connector_for(processor).longest(case.type, skip_waiting_period=case.skip_waiting_period)
            for processor in asked or planning.candidates(case.type)
        ),
        default=timedelta(0),
    )
    return planning.due_at(case) - longest


# --- the schedule


def release_due() -> None:
    """Let go whose other case has closed, and tell of those that cannot wait much longer."""
    waiting = Case.objects.filter(blocked_by__isnull=False).exclude(status=CaseStatus.CLOSED)
    for case_id in waiting.filter(blocked_by__status=CaseStatus.CLOSED).values_list("pk", flat=True):
        with progress.locked(case_id) as case:
            refresh(case, actor=SCHEDULE)
            progress.settle(case, actor=SCHEDULE)
    told = AttentionItem.objects.filter(kind=AttentionKind.HELD, case__isnull=False)
    untold = waiting.exclude(pk__in=told.exclude(resolution__in=_ANEW).values("case"))
    now = timezone.now()
    # Most of them have weeks, however long their processors take: they are not even looked at.
    near = Q(clocks__kind=ClockKind.RESPONSE, clocks__due_at__lte=now + WARNED_BEFORE + _longest())
    for case in untold.filter(near):
        if now >= latest_safe_at(case) - WARNED_BEFORE:
            _warn(case.pk)


def _longest() -> timedelta:
    """The longest that any processor takes for an erasure."""
    able = [each for each in Processor.objects.all() if planning.serves(each, RequestType.ERASURE)]
    return max(
        (
            connector_for(each).longest(RequestType.ERASURE, skip_waiting_period=skip)
            for each in able
            for skip in (False, True)
        ),
        default=timedelta(0),
    )


def _warn(case_id: int) -> None:
    with progress.locked(case_id) as case:
        latest, other = latest_safe_at(case), case.blocked_by
        if other is None or case.status == CaseStatus.CLOSED:
            return
        attention.open_item(
            AttentionKind.HELD,
            Sentence(
                "It waits for %(other)s and must be sent by %(latest)s to be answered in time. Close "
                "that case or release this one from hold.",
                other=other.reference,
                latest=latest,
            ),
            actor=SCHEDULE,
            case=case,
        )
        progress.settle(case, actor=SCHEDULE)
