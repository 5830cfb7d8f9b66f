"""One of two cases is closed as a duplicate; the other goes on for both, in the time of the earlier."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.actor import Seen
from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import Action, AttentionKind, AuditEvent, Case, Clock, Correction, SubjectIdentity
from cases.services import attention, audit, progress, transition, versions
from cases.services.closing import closing
from cases.services.closing import duplicates as duplicate_closing
from cases.services.dispatch import cancellation
from cases.services.person import identities
from cases.services.planning import approval, erasure_hold, planning, suggestions
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence
from integrations import types
from integrations.models import Processor
from tests.builders import actor, approved_case, open_case, processor, ready_case

pytestmark = pytest.mark.django_db

ADA = [("email", "ada@example.org")]
MORE = [*ADA, ("controller_customer_id", "C-1815")]
# Apart by more than a weekend, so that the due dates differ.
EARLIER = timezone.now() - timedelta(days=12)


@pytest.fixture(autouse=True)
def target() -> Processor:
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    return processor(credentials=dict.fromkeys(keys, "k"))


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def close(case: Case, kept: Case, *, by: str = "agnes", **more: Any) -> Case:
    return duplicate_closing.close(case, kept=kept, actor=actor(by), **more)


def clock(case: Case) -> Clock:
    return Clock.objects.get(case=case)


def only_in(case: Case, kept: Case) -> dict[str, SubjectIdentity]:
    return {row.type: row for row in duplicate_closing.missing_in(kept, case)}


def refusal(case: Case, kept: Case, **more: Any) -> str:
    events = AuditEvent.objects.count()
    with pytest.raises(Refused) as refused:
        close(case, kept, **more)
    assert AuditEvent.objects.count() == events
    assert fresh(case).duplicate_of is None
    return str(refused.value)


def test_it_is_closed_and_linked_and_both_histories_say_so() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=ADA)
    close(case, kept, text="The same letter twice.")
    closed = fresh(case)
    assert (closed.status, closed.outcome, closed.duplicate_of) == (
        CaseStatus.CLOSED,
        Outcome.DUPLICATE,
        kept,
    )
    assert fresh(kept).status == CaseStatus.READY
    assert not closed.requests.exclude(status=RequestStatus.CANCELLED).exists()
    ended = AuditEvent.objects.get(case=case, action=Action.CASE_CLOSED_AS_DUPLICATE)
    assert ended.sentence == f"Closed the case as a duplicate of {kept}"
    assert "note" in ended.details
    taken = AuditEvent.objects.get(case=kept, action=Action.DUPLICATE_TAKEN)
    assert taken.sentence == f"{case} was closed as a duplicate of this case"
    assert audit.verify(f"case:{case.pk}") == audit.verify(f"case:{kept.pk}") == []


# --- the earlier receipt governs


def test_the_clock_of_the_kept_one_counts_from_the_earlier_receipt() -> None:
    kept = approved_case(identities=ADA)
    case = ready_case(identities=ADA, received_at=EARLIER)
    received, before, governing = kept.received_at, clock(kept), clock(case)
    close(case, kept)
    after = clock(kept)
    assert (after.started_on, after.due_on, after.due_at) == (
        governing.started_on,
        governing.due_on,
        governing.due_at,
    )
    assert fresh(kept).received_at == received, "when this one came in stays a fact"
    assert kept.requests.get().due_at == governing.due_at, "it leaves before what is due later"
    event = AuditEvent.objects.get(case=kept, action=Action.CLOCK_RESTARTED)
    assert event.details["due_before"] == before.due_on.isoformat()
    assert event.details["due_on"] == governing.due_on.isoformat()
    assert fresh(kept).approved_at is not None, "a date is no part of what was approved"


def test_an_earlier_kept_one_keeps_its_clock() -> None:
    kept = ready_case(identities=ADA, received_at=EARLIER)
    case = ready_case(identities=ADA)
    before = clock(kept)
    close(case, kept)
    assert clock(kept).due_at == before.due_at
    assert not AuditEvent.objects.filter(action=Action.CLOCK_RESTARTED).exists()


def test_a_duplicate_of_a_duplicate_follows_with_its_receipt() -> None:
    kept, middle = ready_case(identities=ADA), ready_case(identities=ADA)
    first = ready_case(identities=ADA, received_at=EARLIER)
    governing = clock(first)
    close(first, middle)
    close(middle, kept)
    assert fresh(first).duplicate_of == fresh(middle).duplicate_of == kept
    assert clock(kept).due_at == governing.due_at
    moved = AuditEvent.objects.get(case=first, action=Action.DUPLICATE_MOVED)
    assert moved.sentence == f"Now a duplicate of {kept} instead of {middle}"


def test_reopening_it_clears_the_link_and_gives_the_other_its_own_time_back() -> None:
    kept = ready_case(identities=ADA)
    case = ready_case(identities=ADA, received_at=EARLIER)
    own = clock(kept)
    close(case, kept)
    closing.reopen(case, actor=actor("pia"), reason="closed_by_mistake")
    reopened = fresh(case)
    assert (reopened.status, reopened.outcome, reopened.duplicate_of) == (CaseStatus.INTAKE, "", None)
    assert clock(kept).due_at == own.due_at
    event = AuditEvent.objects.get(case=kept, action=Action.DUPLICATE_GIVEN_BACK)
    assert event.sentence == f"{case} is no longer a duplicate of this case"
    assert clock(case).satisfied_at is None
    assert audit.verify(f"case:{kept.pk}") == []


# --- identities found only in the closed one


def test_what_only_the_closed_one_knows_can_be_added_and_voids_the_approval() -> None:
    kept, case = approved_case(identities=ADA), ready_case(identities=MORE)
    (added,) = only_in(case, kept).values()
    close(case, kept, add=[added.pk])
    row = SubjectIdentity.objects.select_related("subject__data_key").get(
        subject=kept.subject_id, type="controller_customer_id"
    )
    assert row.value == "C-1815"
    assert row.pk != added.pk
    assert row.subject.data_key_id != added.subject.data_key_id, "sealed under the kept person's own key"
    assert row.verified_at == added.verified_at
    after = fresh(kept)
    assert (after.status, after.approved_at) == (CaseStatus.READY, None)
    assert AuditEvent.objects.filter(case=kept, action=Action.APPROVAL_VOIDED).count() == 1
    (request,) = after.requests.filter(status=RequestStatus.PLANNED)
    assert set(request.identities.values_list("type", flat=True)) == {"email", "controller_customer_id"}
    assert approval.why_not(after, actor=actor("agnes")) is not None, "who added them is no second person"
    assert approval.approve(after, actor=actor("pia"), digest=planning.digest(after)).approved_at


def test_verified_ones_come_first_and_an_unverified_one_stays_unverified() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=[("other", "x"), *MORE])
    SubjectIdentity.objects.filter(subject=case.subject_id, type="other").update(verified_at=None)
    missing = only_in(case, kept)
    assert list(missing) == ["controller_customer_id", "other"]
    close(case, kept, add=[row.pk for row in missing.values()])
    rows = dict(SubjectIdentity.objects.filter(subject=kept.subject_id).values_list("type", "verified_at"))
    assert rows["other"] is None
    assert rows["controller_customer_id"] is not None


def test_without_a_tick_nothing_is_added_and_the_approval_holds() -> None:
    kept, case = approved_case(identities=ADA), ready_case(identities=MORE)
    close(case, kept)
    assert fresh(kept).approved_at is not None
    assert SubjectIdentity.objects.filter(subject=kept.subject_id).count() == 1


def test_an_identity_of_a_third_case_cannot_be_smuggled_in() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=MORE)
    foreign = open_case(identities=[("email", "bob@example.org")])
    key = SubjectIdentity.objects.get(subject=foreign.subject_id).pk
    with pytest.raises(Superseded):
        close(case, kept, add=[key])
    assert fresh(case).status == CaseStatus.READY


# --- what was sent


def sent(case: Case) -> Case:
    case.requests.update(attempts=1, answered_attempts=1)
    with progress.locked(case.pk) as locked:
        request = locked.requests.select_related("processor").get()
        request.case = locked
        transition.move_request(request, RequestStatus.PENDING, actor=actor("agnes"))
    return fresh(case)


def test_a_case_at_a_processor_cannot_be_closed_before_it_is_cancelled_or_finished() -> None:
    kept, case = ready_case(identities=ADA), approved_case(identities=ADA)
    assert "A processor is still working" in refusal(case, kept)
    cancellation.cancel(case, actor=actor("agnes"))
    close(case, kept)
    assert fresh(case).outcome == Outcome.DUPLICATE


def test_once_something_was_sent_the_two_are_only_linked() -> None:
    kept, case = sent(approved_case(identities=ADA)), ready_case(identities=MORE, received_at=EARLIER)
    governing = clock(case)
    (row,) = only_in(case, kept).values()
    assert "Part of this plan has already been sent, so it can no longer be changed." in refusal(
        case, kept, add=[row.pk]
    )
    close(case, kept)
    after = fresh(kept)
    assert (after.status, after.approved_at is not None) == (CaseStatus.WORKING, True)
    assert SubjectIdentity.objects.filter(subject=kept.subject_id).count() == 1
    assert clock(kept).due_at == governing.due_at, "the law asks when the person asked"


# --- what is refused


def test_only_what_verification_has_shown_to_be_alike() -> None:
    victim = ready_case(identities=ADA)
    stranger = open_case(identities=ADA)
    bob = ready_case(identities=[("email", "bob@example.org")])
    for case, kept in ((victim, stranger), (stranger, victim), (victim, bob)):
        assert (
            "They have no identifier in common that was verified in both, make different requests, or were "
            "received too far apart."
        ) in refusal(case, kept)
    assert "A case cannot be a duplicate of itself." in refusal(victim, victim)


def test_nothing_is_closed_into_a_closed_case_nor_twice() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=ADA)
    third = ready_case(identities=ADA)
    close(case, kept)
    with pytest.raises(Refused, match="is closed"):
        close(case, third)
    assert f"{case} is closed" in refusal(third, case)


def test_what_somebody_said_is_none_must_be_taken_back_first() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=ADA)
    suggestions.dismiss(kept, case, actor=actor("pia"))
    assert "These two cases were marked as not duplicates." in refusal(case, kept)


def test_something_open_is_decided_first() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=ADA)
    with progress.locked(case.pk) as locked:
        attention.open_item(AttentionKind.GONE, Sentence("It is gone."), actor=actor("agnes"), case=locked)
    assert "Resolve them first." in refusal(case, kept)


def correction(new_value: str) -> Case:
    return ready_case(
        type="correction",
        identities=ADA,
        corrections=[types.Correction("email", "ada@example.org", new_value)],
    )


def test_two_corrections_are_the_same_only_where_they_ask_for_the_same() -> None:
    kept, other, same = correction("a@example.org"), correction("b@example.org"), correction("A@example.org")
    assert (
        "asks for a correction that the other case does not include, so they are not the same request."
        in refusal(other, kept)
    )
    close(same, kept)
    assert fresh(same).outcome == Outcome.DUPLICATE


def test_a_correction_goes_along_with_its_identity() -> None:
    kept = correction("a@example.org")
    case = ready_case(
        type="correction",
        identities=[*ADA, ("mobile_number", "+491701234567")],
        corrections=[types.Correction("mobile_number", "+491701234567", "+491707654321")],
    )
    (row,) = only_in(case, kept).values()
    refusal(case, kept)
    close(case, kept, add=[row.pk])
    taken = Correction.objects.select_related("identity__subject__data_key").get(
        identity__subject=kept.subject_id, identity__type="mobile_number"
    )
    assert taken.new_value == "+491707654321"


def test_the_database_refuses_a_link_without_the_outcome_and_the_outcome_without_a_link() -> None:
    kept, case = ready_case(identities=ADA), ready_case(identities=ADA)
    for wrong in ({"duplicate_of": kept}, {"outcome": "duplicate", "status": "closed", "closed_at": EARLIER}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**wrong)
    close(case, kept)
    with pytest.raises(IntegrityError, match="case_no_duplicate_of_itself"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(duplicate_of=case)


# --- erasures that wait


def test_an_erasure_waits_for_the_case_that_goes_on() -> None:
    kept = ready_case(type="access", identities=[*ADA, ("other", "x")])
    case = ready_case(type="access", identities=MORE, received_at=EARLIER)
    erasure = approved_case(identities=[("controller_customer_id", "C-1815")])
    assert fresh(erasure).blocked_by == case
    close(case, kept)
    assert fresh(erasure).blocked_by == kept, (
        "it shares no identity with that one, but the person is the same"
    )
    erasure_hold.release_due()
    assert fresh(erasure).blocked_by == kept
    closing.withdraw(kept, actor=actor("agnes"))
    erasure_hold.release_due()
    assert fresh(erasure).blocked_by is None
    assert not erasure.requests.get().held


def test_a_held_erasure_that_is_closed_as_a_duplicate_waits_no_more() -> None:
    access = ready_case(type="access", identities=ADA)
    kept, case = ready_case(identities=ADA), ready_case(identities=ADA)
    assert fresh(case).blocked_by == access
    with progress.locked(case.pk) as locked:
        attention.open_item(AttentionKind.HELD, Sentence("It waits."), actor=actor("agnes"), case=locked)
    close(case, kept)
    assert fresh(case).blocked_by is None
    assert not case.attention_items.filter(resolved_at=None).exists()
    assert fresh(kept).blocked_by == access


def test_it_is_refused_where_one_of_the_two_has_changed_since_they_were_compared() -> None:
    case, kept = ready_case(identities=ADA), ready_case(identities=ADA)
    looked = actor("agnes")
    for changed, more in (
        (case, {"actor": replace(looked, seen=Seen(case.pk, versions.version(case.pk)))}),
        (kept, {"actor": looked, "seen_of_kept": Seen(kept.pk, versions.version(kept.pk))}),
    ):
        added = types.Identity("controller_customer_id", f"C-{changed.pk}")
        identities.change(changed, actor=actor("pia"), add=[added], remove=[])
        with pytest.raises(versions.Conflict, match="This changed since you opened the page"):
            duplicate_closing.close(case, kept=kept, **more)
        assert fresh(case).status == CaseStatus.READY


def test_who_merges_identities_into_an_erasure_cannot_approve_it() -> None:
    """One person would else bring in whom to erase and approve it."""
    case, kept = ready_case(identities=MORE, by="vera"), ready_case(identities=ADA, by="walt")
    close(case, kept, by="pia", add=[row.pk for row in only_in(case, kept).values()])
    kept = fresh(kept)
    with pytest.raises(Refused, match="second person"):
        approval.approve(kept, actor=actor("pia"), digest=planning.digest(kept))
    approval.approve(kept, actor=actor("adam"), digest=planning.digest(kept))
