"""Approving exactly what was looked at, or saying no."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import SECOND_PERSON_TYPES, UNVERIFIED_TYPES, CaseStatus, Outcome, RequestStatus
from cases.models import Action, AuditEvent, Case, Clock, ProcessorRequest
from cases.services import notes, progress, transition, versions
from cases.services.exclusion import CLOSED, Exclusion
from cases.services.planning import erasure_hold, planning
from cases.services.processors import concurrency
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence

DENIAL_REASONS = {
    "not_verified": Sentence("The requester could not be verified"),
    "manifestly_unfounded": Sentence("Manifestly unfounded or excessive (GDPR Art. 12(5))"),
    "legal_obligation": Sentence("We are legally required to keep the data"),
    "exception_applies": Sentence("Another exception applies"),
}
UNAPPROVED: Final = frozenset({CaseStatus.INTAKE, CaseStatus.VERIFYING, CaseStatus.READY})
NOT_DENIABLE: Final = (CLOSED, Exclusion("approved", ~Q(status__in=sorted(UNAPPROVED))))


def why_not(case: Case, *, actor: Actor, by_trail: bool = True) -> Sentence | None:
    """Why this person cannot approve this case, in a sentence; "" when they can.

    Without `by_trail` the trail is not asked, for a page that only offers the verb: the verb itself asks it.
    """
    if case.status != CaseStatus.READY:
        return Sentence("Only a case that is ready for approval can be approved.")
    if actor.user_id is None:
        return Sentence("A case must be approved by a user.")
    if case.verified_at is None and case.type not in UNVERIFIED_TYPES:
        return Sentence("The requester has not been verified. Verify them first.")
    if case.type in SECOND_PERSON_TYPES and _is_first_person(case, actor.user_id, by_trail=by_trail):
        return Sentence(
            "Whoever opened, verified or last changed an erasure or correction cannot approve it. Ask a "
            "second person."
        )
    return None


def not_approvable_by(user_id: int | None) -> tuple[Exclusion, ...]:
    """Cases that `why_not` keeps this person from approving; a constraint keeps any from being ready and unverified."""
    return (
        CLOSED,
        Exclusion("not_ready", ~Q(status=CaseStatus.READY)),
        Exclusion("four_eyes", _own(user_id)),
    )


def approvable_by(user_id: int | None) -> Q:
    """Cases that `why_not` lets this person approve."""
    return Q(status=CaseStatus.READY) & ~_own(user_id)


def _own(user_id: int | None) -> Q:
    """Cases that take a second person, which this one is not."""
    return Q(type__in=sorted(SECOND_PERSON_TYPES)) & _had_a_hand(user_id)


def _had_a_hand(user_id: int | None) -> Q:
    """Of cases: those that this person opened, verified or last changed, or asked the person of by a link.

    Also those that they brought an identity into, or verified, before somebody else did: whoever comes after them takes
    their place in the case's columns, and not in its trail.
    """
    own = (
        Q(opened_by=user_id)
        | Q(verified_by=user_id)
        | Q(changed_by=user_id)
        | Q(verification_asked_by=user_id)
    )
    return own | Q(Exists(_hands(user_id).filter(case=OuterRef("pk"))))


def _is_first_person(case: Case, user_id: int, *, by_trail: bool) -> bool:
    own = {case.opened_by_id, case.verified_by_id, case.changed_by_id, case.verification_asked_by_id}
    return user_id in own or (by_trail and _hands(user_id).filter(case=case).exists())


def _hands(user_id: int | None) -> QuerySet[AuditEvent]:
    brought = Q(action=Action.CASE_IDENTITIES_CHANGED, details__added__gt=0)
    events: QuerySet[AuditEvent] = AuditEvent.objects.filter(
        brought | Q(action=Action.CASE_VERIFIED), actor=user_id or 0
    )
    return events


def approve(
    case: Case, *, actor: Actor, digest: str, text: str = "", not_before_at: datetime | None = None
) -> Case:
    """Approve the plan with this digest, and only that; its requests are queued, to leave no sooner than said.

    Raises Refused for the wrong person, Superseded where the plan is no longer what was looked at.
    """
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.PLAN)
        sentence = why_not(locked, actor=actor)
        if sentence:
            raise Refused(sentence)
        if digest != planning.digest(locked):
            raise Superseded(
                Sentence("The plan has changed since you opened this page. Review it before you approve it.")
            )
        note = notes.write(locked, text, actor=actor)
        requests = list(
            ProcessorRequest.objects.filter(case=locked, status=RequestStatus.PLANNED)
            .select_related("case", "processor")
            .order_by("pk")
        )
        transition.move_case(
            locked,
            CaseStatus.WORKING,
            actor=actor,
            action=Action.CASE_APPROVED,
            note=note,
            details={"digest": digest, **_until(not_before_at)},
            fields={"approved_at": timezone.now(), "approved_by": actor.user, "approval_digest": digest},
        )
        queue(locked, requests, actor=actor, not_before_at=not_before_at)
        erasure_hold.refresh(locked, actor=actor)
        return locked


def _until(not_before_at: datetime | None) -> dict[str, str]:
    return {"not_before": not_before_at.isoformat()} if not_before_at else {}


def queue(
    case: Case,
    requests: Iterable[ProcessorRequest],
    *,
    actor: Actor,
    not_before_at: datetime | None = None,
) -> None:
    """Put the planned requests of a locked case on their way."""
    processors = set()
    for request in requests:
        request.case = case
        transition.move_request(
            request,
            RequestStatus.QUEUED,
            actor=actor,
            fields={"queued_at": timezone.now(), "not_before_at": not_before_at},
        )
        processors.add(request.processor_id)
    for processor_id in processors:
        if not_before_at is None:
            concurrency.wake(processor_id)
        else:
            concurrency.wake_later(processor_id, seconds=(not_before_at - timezone.now()).total_seconds())


def queue_unapproved(case: Case, *, actor: Actor) -> None:
    """Plan a locked case of a type that needs no approval, and send it: the law wants it as soon as feasible.

    11 CCR 7026(f). Raises Refused where nothing can be planned.
    """
    if case.type not in UNVERIFIED_TYPES:
        raise Refused(Sentence("This type of case requires approval."))
    requests = planning.plan(case, actor=actor)
    transition.move_case(case, CaseStatus.WORKING, actor=actor, action=Action.CASE_QUEUED)
    queue(case, requests, actor=actor)


def deny(case: Case, *, actor: Actor, reason: str, text: str = "") -> Case:
    """Close a case that was not approved as denied (or not verified); the reason is one of DENIAL_REASONS.

    Raises Refused for a case that was approved, and for a reason that is not listed.
    """
    if reason not in DENIAL_REASONS:
        raise Refused(Sentence("Choose one of the listed reasons."))
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.PLAN)
        if locked.status not in UNAPPROVED:
            raise Refused(Sentence("Only a case that has not been approved can be denied."))
        note = notes.write(locked, text, actor=actor)
        drop_plan(locked, actor=actor)
        erasure_hold.end(locked, actor=actor)
        now = timezone.now()
        Clock.objects.filter(case=locked, satisfied_at__isnull=True).update(satisfied_at=now)
        outcome = Outcome.NOT_VERIFIED if reason == "not_verified" else Outcome.DENIED
        transition.move_case(
            locked,
            CaseStatus.CLOSED,
            actor=actor,
            action=Action.CASE_DENIED,
            reason=reason,
            note=note,
            details={"outcome": str(outcome)},
            fields={"outcome": outcome, "closed_at": now},
        )
        return locked


def drop_plan(case: Case, *, actor: Actor) -> None:
    """Cancel the planned requests of a locked case: nothing of them was ever sent."""
    planned = ProcessorRequest.objects.filter(case=case, status=RequestStatus.PLANNED)
    for request in planned.select_related("case", "processor").order_by("pk"):
        transition.move_request(request, RequestStatus.CANCELLED, actor=actor)
