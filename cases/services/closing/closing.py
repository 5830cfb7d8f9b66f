"""Ending a case with its outcome, and opening it again."""

from typing import Final

from django.db.models import Q
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus, derive_outcome
from cases.models import Action, AttentionItem, Case, Clock, Note, ProcessorRequest, SubjectIdentity
from cases.services import audit, clocks, notes, progress, transition, versions
from cases.services.exclusion import CLOSED, Exclusion
from cases.services.planning import erasure_hold, suggestions
from cases.services.planning.approval import drop_plan
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence, Word
from integrations.types import PartnerStatus

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
    "confirmed_otherwise": Sentence("The missing part was confirmed in another way"),
    "no_data_there": Sentence("The missing part holds no data on this person"),
    "exception_applies": Sentence("A legal exception covers the missing part"),
}

REOPENING_REASONS = {
    "closed_by_mistake": Sentence("Closed by mistake"),
    "person_objected": Sentence("The requester objected"),
    "new_information": Sentence("New information has come in"),
    "authority_asked": Sentence("A supervisory authority enquired"),
}

# Cases that `close` refuses, whatever outcome is chosen.
NOT_CLOSABLE: Final = (CLOSED, Exclusion("not_in_review", ~Q(status=CaseStatus.REVIEW)))

# What a case that begins anew is without; whoever released it spoke of what was open then.
_UNVERIFIED: dict[str, object] = {
    "verified_at": None,
    "verified_by": None,
    "verification_method": "",
    "verification_asked_by": None,
    "blocked_by": None,
    "block_released_at": None,
}


def proposed_outcome(case: Case) -> str:
    """The outcome that the answers amount to."""
    return derive_outcome(progress.states(case))


def exceptions(case: Case) -> list[Sentence]:
    """Sentences on what keeps a case from being fulfilled: requests and partners, each by its name."""
    found: list[Sentence] = []
    for request in progress.current_requests(case).select_related("processor"):
        name = request.processor.name
        if request.status != RequestStatus.COMPLETED:
            found.append(
                Sentence("%(name)s: %(status)s.", name=name, status=Word(RequestStatus(request.status).label))
            )
        elif not request.answer:
            found.append(Sentence("%(name)s: completed, but the result could not be stored.", name=name))
        elif request.answer == Answer.REFUSED:
            found.append(Sentence("%(name)s: refused.", name=name))
    partners = progress.unanswered_partners().filter(
        processor_request__in=progress.current_requests(case).filter(status=RequestStatus.COMPLETED)
    )
    for partner in partners.select_related("processor_request__processor"):
        through = partner.processor_request.processor.name
        status = Word(PartnerStatus(partner.status).label)
        found.append(
            Sentence(
                "%(partner)s, reached through %(through)s: %(status)s.",
                partner=partner.name or partner.domain,
                through=through,
                status=status,
            )
        )
    return found


def close(case: Case, *, actor: Actor, outcome: str, text: str = "", reason: str = "") -> Case:
    """Close a case in review. Another outcome than its answers amount to needs a note, a better one a reason too.

    Raises Refused for a case that is not in review, and for an outcome without the note or the reason it needs.
    """
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.ANSWERS)
        if locked.status != CaseStatus.REVIEW:
            raise Refused(
                Sentence(
                    "A case can only be closed from review, when all responses have arrived and no items "
                    "are open."
                )
            )
        derived = Outcome(proposed_outcome(locked))
        if outcome not in CLOSING_OUTCOMES:
            raise Refused(Sentence("Choose one of the listed outcomes."))
        better = _RANK[Outcome(outcome)] > _RANK[derived]
        if better and reason not in CLOSING_REASONS:
            raise Refused(
                Sentence(
                    "The responses support “%(outcome)s”. Choose a reason for closing with a better outcome.",
                    outcome=derived.label,
                ),
                *exceptions(locked),
            )
        if outcome != derived and not text.strip():
            raise Refused(
                Sentence(
                    "The responses support “%(outcome)s”. Explain in a note why you choose another outcome.",
                    outcome=derived.label,
                )
            )
        note = notes.write(locked, text, actor=actor)
        finish(
            locked,
            outcome,
            actor=actor,
            action=Action.CASE_CLOSED,
            note=note,
            reason=reason if better else "",
        )
        return locked


def withdraw(case: Case, *, actor: Actor, text: str = "") -> Case:
    """Record that the person withdrew. What has been sent must be cancelled or answered first.

    Raises Refused for a closed case, and while a processor still works on one of its requests.
    """
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.SENDING)
        if locked.status == CaseStatus.CLOSED:
            raise Refused(Sentence("The case is already closed."))
        sent = ProcessorRequest.objects.filter(case=locked, replaced_by__isnull=True).exclude(
            status__in=[RequestStatus.PLANNED, RequestStatus.CANCELLED, RequestStatus.COMPLETED]
        )
        if sent.exists():
            raise Refused(
                Sentence(
                    "Cancel the requests first or wait for the responses. A processor is still working "
                    "on a request."
                )
            )
        note = notes.write(locked, text, actor=actor)
        drop_plan(locked, actor=actor)
        erasure_hold.end(locked, actor=actor)
        finish(locked, Outcome.WITHDRAWN, actor=actor, action=Action.CASE_WITHDRAWN, note=note)
        return locked


def finish(
    case: Case,
    outcome: str,
    *,
    actor: Actor,
    action: Action,
    note: Note | None,
    reason: str = "",
    details: audit.Details | None = None,
    fields: transition.Fields | None = None,
) -> None:
    """Close a locked case of which nothing is under way any more. Raises Refused where something is to be decided."""
    if AttentionItem.objects.filter(case=case, resolved_at__isnull=True).exists():
        raise Refused(Sentence("There are open items. Resolve them first."))
    now = timezone.now()
    Clock.objects.filter(case=case, satisfied_at__isnull=True).update(satisfied_at=now)
    transition.move_case(
        case,
        CaseStatus.CLOSED,
        actor=actor,
        action=action,
        reason=reason,
        note=note,
        details={"outcome": str(outcome), **(details or {})},
        fields={"outcome": outcome, "closed_at": now, **(fields or {})},
    )


def reopen(case: Case, *, actor: Actor, reason: str, text: str = "") -> Case:
    """Open a closed case again: at what its requests say if it was approved, else at intake. A duplicate is one no
    longer.

    Raises Refused where the reason is not one of REOPENING_REASONS.

    Raises Superseded where it is open already.
    """
    if reason not in REOPENING_REASONS:
        raise Refused(Sentence("Choose one of the listed reasons."))
    kept_id = Case.objects.values_list("duplicate_of", flat=True).get(pk=case.pk)
    with progress.locked_together({case.pk, kept_id or case.pk}) as cases:
        locked = cases[case.pk]
        versions.refuse_conflict(locked, actor=actor, touching=versions.DECISION)
        if locked.status != CaseStatus.CLOSED:
            raise Refused(Sentence("Only a closed case can be reopened."))
        if locked.duplicate_of_id != kept_id:
            raise Superseded
        note = notes.write(locked, text, actor=actor)
        Clock.objects.filter(case=locked).update(satisfied_at=None)
        # What needs no approval was sent all the same.
        approved = locked.approved_at is not None or progress.current_requests(locked).exists()
        transition.move_case(
            locked,
            CaseStatus.REVIEW if approved else CaseStatus.INTAKE,
            actor=actor,
            action=Action.CASE_REOPENED,
            reason=reason,
            note=note,
            fields={} if approved else _UNVERIFIED,
        )
        if not approved:
            SubjectIdentity.objects.filter(subject=locked.subject_id).update(verified_at=None)
        if kept_id is not None:
            _give_back(locked, cases[kept_id], actor=actor)
        clocks.restart(locked, actor=actor)
        suggestions.refresh(locked)
        progress.settle(locked, actor=actor)
        return locked


def _give_back(case: Case, kept: Case, *, actor: Actor) -> None:
    """The case that went on for both goes on for itself; one that is closed was answered in the time of both."""
    audit.record(Action.DUPLICATE_GIVEN_BACK, actor=actor, case=kept, details={"other": case.reference})
    if kept.status != CaseStatus.CLOSED:
        clocks.restart(kept, actor=actor)
