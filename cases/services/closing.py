"""Ending a case with its outcome, and opening it again."""

from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import CaseStatus, Outcome, RequestStatus, derive_outcome
from cases.models import Action, AttentionItem, Case, Clock, Note, ProcessorRequest
from cases.services import notes, progress, transition
from cases.services.approval import drop_plan
from cases.services.refusal import Refused

# Outcomes a person may choose at closing; the others come with a verb of their own.
CLOSING_OUTCOMES = (Outcome.FULFILLED, Outcome.PARTLY_FULFILLED, Outcome.NO_DATA_HELD, Outcome.DENIED)

REOPENING_REASONS = {
    "closed_by_mistake": "Closed by mistake",
    "person_objected": "The person objected",
    "new_information": "New information has come in",
    "authority_asked": "A supervisory authority asked",
}


def proposed_outcome(case: Case) -> str:
    """The outcome that the answers amount to."""
    return derive_outcome(progress.states(case))


def close(case: Case, *, actor: Actor, outcome: str, text: str = "") -> Case:
    """Close a case in review. An outcome better than its answers amount to is refused; another needs a note."""
    with progress.locked(case.pk) as locked:
        if locked.status != CaseStatus.REVIEW:
            raise Refused("A case is closed from review: when all answers are in and nothing is open.")
        derived = proposed_outcome(locked)
        if outcome not in CLOSING_OUTCOMES:
            raise Refused("Choose one of the listed outcomes.")
        if outcome == Outcome.FULFILLED and derived not in {Outcome.FULFILLED, Outcome.NO_DATA_HELD}:
            raise Refused(
                "Not every processor has fulfilled its request, so the case cannot be closed as fulfilled."
            )
        if outcome != derived and not text.strip():
            raise Refused(
                f"The answers amount to “{Outcome(derived).label}”; say in a note why it is closed otherwise."
            )
        note = notes.write(locked, text, actor=actor)
        _close(locked, outcome, actor=actor, action=Action.CASE_CLOSED, note=note)
        return locked


def withdraw(case: Case, *, actor: Actor, text: str = "") -> Case:
    """Record that the person withdrew. What has been sent must be cancelled or answered first."""
    with progress.locked(case.pk) as locked:
        if locked.status == CaseStatus.CLOSED:
            raise Refused("The case is closed already.")
        sent = ProcessorRequest.objects.filter(case=locked, replaced_by__isnull=True).exclude(
            status__in=[RequestStatus.PLANNED, RequestStatus.CANCELLED, RequestStatus.COMPLETED]
        )
        if sent.exists():
            raise Refused(
                "Cancel the requests first, or wait for their answers: a processor is still working on one."
            )
        note = notes.write(locked, text, actor=actor)
        drop_plan(locked, actor=actor)
        _close(locked, Outcome.WITHDRAWN, actor=actor, action=Action.CASE_WITHDRAWN, note=note)
        return locked


def _close(case: Case, outcome: str, *, actor: Actor, action: Action, note: Note | None) -> None:
    if AttentionItem.objects.filter(case=case, resolved_at__isnull=True).exists():
        raise Refused("Something still needs attention; decide it first.")
    now = timezone.now()
    Clock.objects.filter(case=case, satisfied_at__isnull=True).update(satisfied_at=now)
    transition.move_case(
        case,
        CaseStatus.CLOSED,
        actor=actor,
        action=action,
        note=note,
        details={"outcome": str(Outcome(outcome).label)},
        fields={"outcome": outcome, "closed_at": now},
    )


def reopen(case: Case, *, actor: Actor, reason: str, text: str = "") -> Case:
    """Open a closed case again: at what its requests say if it was approved, else at intake.

    Raises Refused where the reason is not one of REOPENING_REASONS.
    """
    if reason not in REOPENING_REASONS:
        raise Refused("Give one of the listed reasons.")
    with progress.locked(case.pk) as locked:
        if locked.status != CaseStatus.CLOSED:
            raise Refused("Only a closed case can be reopened.")
        note = notes.write(locked, text, actor=actor)
        Clock.objects.filter(case=locked).update(satisfied_at=None)
        approved = locked.approved_at is not None
        transition.move_case(
            locked,
            CaseStatus.REVIEW if approved else CaseStatus.INTAKE,
            actor=actor,
            action=Action.CASE_REOPENED,
            reason=reason,
            note=note,
            fields={} if approved else {"verified_at": None, "verified_by": None, "verification_method": ""},
        )
        progress.settle(locked, actor=actor)
        return locked
