"""Ending a case with its outcome, and opening it again."""

from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus, derive_outcome
from cases.models import Action, AttentionItem, Case, Clock, Note, ProcessorRequest
from cases.services import freshness, holding, notes, progress, transition
from cases.services.approval import drop_plan
from cases.services.refusal import Refused

# Outcomes a person may choose at closing; the others come with a verb of their own.
CLOSING_OUTCOMES = (Outcome.FULFILLED, Outcome.PARTLY_FULFILLED, Outcome.NO_DATA_HELD, Outcome.DENIED)

# How well an outcome speaks of us; a better one than the answers amount to needs a reason of these, and a note.
_RANK = {
    Outcome.DENIED: 0,
    Outcome.PARTLY_FULFILLED: 1,
    Outcome.NO_DATA_HELD: 2,
    Outcome.FULFILLED: 2,
}
CLOSING_REASONS = {
    "confirmed_otherwise": "What is missing was confirmed in another way",
    "no_data_there": "What is missing holds no data of this person",
    "exception_applies": "An exception of the law covers what is missing",
}

REOPENING_REASONS = {
    "closed_by_mistake": "Closed by mistake",
    "person_objected": "The person objected",
    "new_information": "New information has come in",
    "authority_asked": "A supervisory authority asked",
}


# What a case that begins anew is without; whoever released it spoke of what was open then.
_UNVERIFIED: dict[str, object] = {
    "verified_at": None,
    "verified_by": None,
    "verification_method": "",
    "blocked_by": None,
    "block_released_at": None,
}


def proposed_outcome(case: Case) -> str:
    """The outcome that the answers amount to."""
    return derive_outcome(progress.states(case))


def exceptions(case: Case) -> list[str]:
    """Sentences on what keeps a case from being fulfilled: requests and partners, each by its name."""
    found = []
    for request in progress.standing(case).select_related("processor"):
        name = request.processor.name
        if request.status != RequestStatus.COMPLETED:
            found.append(f"{name}: {request.get_status_display().lower()}.")
        elif not request.answer:
            found.append(f"{name}: completed, and its result could not be kept.")
        elif request.answer == Answer.REFUSED:
            found.append(f"{name}: refused.")
    partners = progress.unanswered_partners().filter(
        processor_request__in=progress.standing(case).filter(status=RequestStatus.COMPLETED)
    )
    for partner in partners.select_related("processor_request__processor"):
        through = partner.processor_request.processor.name
        status = partner.get_status_display().lower()
        found.append(f"{partner.name or partner.domain}, reached through {through}: {status}.")
    return found


def close(case: Case, *, actor: Actor, outcome: str, text: str = "", reason: str = "") -> Case:
    """Close a case in review. Another outcome than its answers amount to needs a note, a better one a reason too."""
    with progress.locked(case.pk) as locked:
        freshness.refuse_stale(locked, actor=actor, touching=freshness.ANSWERS)
        if locked.status != CaseStatus.REVIEW:
            raise Refused("A case is closed from review: when all answers are in and nothing is open.")
        derived = Outcome(proposed_outcome(locked))
        if outcome not in CLOSING_OUTCOMES:
            raise Refused("Choose one of the listed outcomes.")
        better = _RANK[Outcome(outcome)] > _RANK[derived]
        if better and reason not in CLOSING_REASONS:
            raise Refused(
                f"The answers amount to “{derived.label}”: say why it is closed as more than that.",
                *exceptions(locked),
            )
        if outcome != derived and not text.strip():
            raise Refused(
                f"The answers amount to “{derived.label}”; say in a note why it is closed otherwise."
            )
        note = notes.write(locked, text, actor=actor)
        _close(
            locked,
            outcome,
            actor=actor,
            action=Action.CASE_CLOSED,
            note=note,
            reason=reason if better else "",
        )
        return locked


def withdraw(case: Case, *, actor: Actor, text: str = "") -> Case:
    """Record that the person withdrew. What has been sent must be cancelled or answered first."""
    with progress.locked(case.pk) as locked:
        freshness.refuse_stale(locked, actor=actor, touching=freshness.SENDING)
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
        holding.end(locked, actor=actor)
        _close(locked, Outcome.WITHDRAWN, actor=actor, action=Action.CASE_WITHDRAWN, note=note)
        return locked


def _close(
    case: Case, outcome: str, *, actor: Actor, action: Action, note: Note | None, reason: str = ""
) -> None:
    if AttentionItem.objects.filter(case=case, resolved_at__isnull=True).exists():
        raise Refused("Something still needs attention; decide it first.")
    now = timezone.now()
    Clock.objects.filter(case=case, satisfied_at__isnull=True).update(satisfied_at=now)
    transition.move_case(
        case,
        CaseStatus.CLOSED,
        actor=actor,
        action=action,
        reason=reason,
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
        freshness.refuse_stale(locked, actor=actor, touching=freshness.DECISION)
        if locked.status != CaseStatus.CLOSED:
            raise Refused("Only a closed case can be reopened.")
        note = notes.write(locked, text, actor=actor)
        Clock.objects.filter(case=locked).update(satisfied_at=None)
        # What needs no approval was sent all the same.
        approved = locked.approved_at is not None or progress.standing(locked).exists()
        transition.move_case(
            locked,
            CaseStatus.REVIEW if approved else CaseStatus.INTAKE,
            actor=actor,
            action=Action.CASE_REOPENED,
            reason=reason,
            note=note,
            fields={} if approved else _UNVERIFIED,
        )
        progress.settle(locked, actor=actor)
        return locked
