"""Four eyes, exactly this plan, and how a case ends."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import AuditEvent, Case, ProcessorRequest, SubjectIdentity
from cases.services import audit, transition
from cases.services.closing import closing
from cases.services.person import identities, verification
from cases.services.planning import approval, planning
from cases.services.refusal import Refused, Superseded
from integrations.models import Processor
from integrations.types import Identity
from tests.builders import MATCHED, actor, approved_case, open_case, processor, ready_case

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _processor(db: None) -> None:
    processor()


def approve(case: Case, by: str) -> Case:
    return approval.approve(case, actor=actor(by), digest=planning.digest(case))


def test_a_second_person_approves_an_erasure() -> None:
    case = open_case(by="agnes")
    case = verification.record(case, actor=actor("vera"), method="matched_data", evidence=MATCHED)
    for first_person in ("agnes", "vera"):
        with pytest.raises(Refused, match="second person"):
            approve(case, first_person)
    assert approve(case, "pia").status == CaseStatus.WORKING
    assert ProcessorRequest.objects.get().status == RequestStatus.QUEUED


def test_any_approver_may_approve_an_access() -> None:
    assert approve(ready_case(type="access", by="agnes"), "agnes").status == CaseStatus.WORKING


@pytest.mark.parametrize("role", ["opened_by", "verified_by", "changed_by"])
def test_the_database_refuses_the_first_person_too(role: str) -> None:
    case = ready_case()
    pia = actor("pia").user
    setattr(case, role, pia)
    case.save()
    with pytest.raises(IntegrityError, match="case_second_person_approves"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(
            approved_by=pia, approved_at=timezone.now(), approval_digest="d"
        )


def test_a_plan_that_changed_since_it_was_looked_at_is_not_approved() -> None:
    case = ready_case()
    looked_at = planning.digest(case)
    late = SubjectIdentity.of(case.subject, type="other", value="late", position=9)
    late.save()
    ProcessorRequest.objects.get().identities.add(late)
    with pytest.raises(Superseded):
        approval.approve(case, actor=actor("pia"), digest=looked_at)
    case.refresh_from_db()
    assert case.status == CaseStatus.READY


def test_approving_twice_sends_once() -> None:
    case = ready_case()
    looked_at = planning.digest(case)
    approval.approve(case, actor=actor("pia"), digest=looked_at)
    with pytest.raises(Refused):
        approval.approve(case, actor=actor("pia"), digest=looked_at)
    assert AuditEvent.objects.filter(action="case.approved").count() == 1


def test_a_denied_case_is_closed_with_its_reason_and_reopened_it_is_planned_anew() -> None:
    case = approval.deny(ready_case(), actor=actor("pia"), reason="legal_obligation", text="Tax law.")
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.DENIED)
    event = AuditEvent.objects.get(action="case.denied")
    assert event.reason == "legal_obligation"
    assert "Tax" not in event.canonical

    case = closing.reopen(case, actor=actor("pia"), reason="person_objected")
    assert (case.status, case.outcome, case.verified_at) == (CaseStatus.INTAKE, "", None)
    case = verification.record(case, actor=actor("vera"), method="signed_in")
    case = approve(case, "paul")
    ProcessorRequest.objects.filter(status=RequestStatus.QUEUED).update(
        status=RequestStatus.COMPLETED, answer="done"
    )
    # The plan that was dropped before anybody approved it does not count against the outcome.
    assert closing.proposed_outcome(case) == Outcome.FULFILLED
    assert audit.verify(f"case:{case.pk}") == []


def in_review(answer: str = "done") -> Case:
    case = approved_case()
    ProcessorRequest.objects.filter(case=case).update(status=RequestStatus.COMPLETED, answer=answer)
    transition.move_case(case, CaseStatus.REVIEW, actor=actor("agnes"))
    return case


def test_closing_follows_the_answers() -> None:
    case = closing.close(in_review(), actor=actor("agnes"), outcome="fulfilled")
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.FULFILLED)
    assert case.clocks.get().satisfied_at is not None


def test_a_refused_request_is_closed_as_fulfilled_only_with_a_reason() -> None:
    case = in_review("refused")
    with pytest.raises(Refused, match="Choose a reason for closing with a better outcome"):
        closing.close(case, actor=actor("agnes"), outcome="fulfilled", text="Never mind.")
    with pytest.raises(Refused, match="note"):
        closing.close(case, actor=actor("agnes"), outcome="fulfilled", reason="confirmed_otherwise")
    closing.close(
        case, actor=actor("agnes"), outcome="fulfilled", reason="confirmed_otherwise", text="They called."
    )
    event = case.audit_events.latest("pk")
    assert (event.action, event.reason) == ("case.closed", "confirmed_otherwise")


def test_another_outcome_than_the_answers_needs_a_note() -> None:
    case = in_review()
    with pytest.raises(Refused, match="note"):
        closing.close(case, actor=actor("agnes"), outcome="partly_fulfilled")
    case = closing.close(case, actor=actor("agnes"), outcome="partly_fulfilled", text="A partner is missing.")
    assert case.outcome == Outcome.PARTLY_FULFILLED


def test_a_case_that_is_worked_on_is_neither_closed_nor_withdrawn() -> None:
    case = approved_case()
    with pytest.raises(Refused):
        closing.close(case, actor=actor("agnes"), outcome="fulfilled")
    with pytest.raises(Refused, match="Cancel"):
        closing.withdraw(case, actor=actor("agnes"))


def test_a_withdrawn_case_sends_nothing() -> None:
    case = closing.withdraw(ready_case(), actor=actor("agnes"))
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.WITHDRAWN)
    assert ProcessorRequest.objects.get().status == RequestStatus.CANCELLED


def test_reopening_by_the_approver_keeps_the_second_person() -> None:
    case = closing.close(in_review(), actor=actor("pia"), outcome="fulfilled")
    case = closing.reopen(case, actor=actor("pia"), reason="closed_by_mistake")
    assert case.status == CaseStatus.REVIEW
    with pytest.raises(Refused):
        closing.reopen(case, actor=actor("pia"), reason="closed_by_mistake")


def test_losing_the_race_for_a_status_is_a_normal_answer() -> None:
    case = ready_case()
    stale = Case.objects.get(pk=case.pk)
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    with pytest.raises(Superseded):
        transition.move_case(stale, CaseStatus.WORKING, actor=actor("pia"))


def test_what_the_processor_will_do_is_part_of_what_is_approved() -> None:
    """Whether it deletes or blocks, by which identity it knows people: chosen on its page, and shown with the plan."""
    case = ready_case()
    seen = planning.digest(case)
    Processor.objects.update(options={"exclusion_attribute": "gone"})
    with pytest.raises(Superseded):
        approval.approve(case, actor=actor("pia"), digest=seen)


def test_who_brought_somebody_in_cannot_approve_however_many_came_after_them() -> None:
    """Whoever verifies the new identity is the last who changed the case; it was pia who brought it in."""
    case = ready_case()
    mallory = Identity("controller_customer_id", "C-1815")
    identities.change(case, actor=actor("pia"), add=[mallory], remove=[])
    verification.record(case, actor=actor("vera"), method="signed_in")
    case.refresh_from_db()
    assert case.changed_by == actor("vera").user
    for name in ("agnes", "pia", "vera"):
        assert "second person" in str(approval.why_not(case, actor=actor(name))), name
        assert not Case.objects.filter(approval.approvable_by(actor(name).user_id)).exists(), name
        with pytest.raises(Refused, match="second person"):
            approval.approve(case, actor=actor(name), digest=planning.digest(case))
    assert Case.objects.filter(approval.approvable_by(actor("adam").user_id)).get() == case
    approval.approve(case, actor=actor("adam"), digest=planning.digest(case))
