"""An erasure behind an open access case of the same person."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import jobs
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, Case
from cases.services import attention
from cases.services.closing import closing
from cases.services.dispatch import cancellation, leases
from cases.services.person import identities, verification
from cases.services.planning import approval, erasure_hold, planning
from cases.services.refusal import Refused
from integrations.models import Processor
from integrations.types import Identity
from tests.builders import MATCHED, actor, approved_case, open_case, processor, ready_case

pytestmark = pytest.mark.django_db

ADA = [("email", "ada@example.org")]


@pytest.fixture(autouse=True)
def target() -> Processor:
    return processor()


def sendable(case: Case) -> int:
    return leases.due(now=timezone.now()).filter(case=case).count()


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def end(case: Case) -> None:
    """The person takes it back, which closes it."""
    closing.withdraw(case, actor=actor("agnes"))


def test_an_erasure_waits_for_an_open_access_case_of_the_same_person() -> None:
    access = ready_case(type="access", identities=[*ADA, ("other", "x")])
    erasure = approved_case(identities=[("email", " ADA@example.org "), ("other2", "y")])
    assert fresh(erasure).blocked_by == access
    assert sendable(erasure) == 0
    assert [event.action for event in erasure.audit_events.order_by("pk")].count("case.held") == 1


@pytest.mark.parametrize(
    "other",
    [
        {"type": "access", "identities": [("email", "bob@example.org")]},
        {"type": "erasure", "identities": [*ADA, ("other", "x")]},
        # The same letters as another kind of identity are another person's, for all we know.
        {"type": "access", "identities": [("other", "ada@example.org")]},
    ],
)
def test_other_people_and_other_types_hold_nothing(other: dict[str, object]) -> None:
    ready_case(**other)
    assert sendable(approved_case(identities=ADA)) == 1


def test_a_stranger_who_was_not_verified_holds_nothing() -> None:
    open_case(type="access", identities=ADA)
    erasure = approved_case(identities=ADA)
    assert fresh(erasure).blocked_by is None
    assert sendable(erasure) == 1


def test_an_access_case_that_is_verified_before_the_approval_holds_too() -> None:
    erasure = ready_case(identities=ADA)
    access = ready_case(type="access", identities=ADA)
    approval.approve(erasure, actor=actor("pia"), digest=planning.digest(erasure))
    assert fresh(erasure).blocked_by == access
    assert sendable(erasure) == 0


def test_it_goes_when_the_last_of_the_others_has_closed() -> None:
    first = ready_case(type="access", identities=ADA)
    second = ready_case(type="portability", identities=ADA)
    erasure = approved_case(identities=ADA)
    end(first)
    erasure_hold.release_due()
    assert fresh(erasure).blocked_by == second
    assert sendable(erasure) == 0
    end(second)
    erasure_hold.release_due()
    assert fresh(erasure).blocked_by is None
    assert sendable(erasure) == 1


def test_somebody_may_release_it_with_a_reason() -> None:
    ready_case(type="access", identities=ADA)
    erasure = approved_case(identities=ADA)
    with pytest.raises(Refused, match="reasons"):
        erasure_hold.release(erasure, actor=actor("pia"), reason="because")
    erasure_hold.release(erasure, actor=actor("pia"), reason="person_insists", text="On the phone, twice.")
    assert sendable(erasure) == 1
    event = erasure.audit_events.latest("pk")
    assert (event.action, event.reason) == ("case.released", "person_insists")
    with pytest.raises(Refused, match="This case is not on hold because of another case"):
        erasure_hold.release(fresh(erasure), actor=actor("pia"), reason="person_insists")


def test_what_was_released_before_the_approval_is_not_held_by_it() -> None:
    ready_case(type="access", identities=ADA)
    erasure = ready_case(identities=ADA)
    erasure_hold.release(erasure, actor=actor("pia"), reason="answered_already")
    approval.approve(erasure, actor=actor("pia"), digest=planning.digest(erasure))
    assert sendable(erasure) == 1


def test_somebody_is_told_once_before_the_latest_safe_day() -> None:
    ready_case(type="access", identities=ADA)
    early = approved_case(identities=ADA)
    erasure_hold.release_due()
    assert not AttentionItem.objects.exists()
    # Received so long ago that seven to twenty-one days no longer fit comfortably.
    late = approved_case(identities=ADA, received_at=timezone.now() - timedelta(days=9))
    assert erasure_hold.latest_safe_at(late) < timezone.now() + timedelta(days=2)
    jobs.reports()
    jobs.reports()
    item = AttentionItem.objects.get()
    assert (item.kind, item.case) == (AttentionKind.HELD, late)
    assert "release" in item.sentence.english
    assert fresh(late).status == CaseStatus.ATTENTION
    erasure_hold.release(late, actor=actor("pia"), reason="deadline")
    assert fresh(late).status == CaseStatus.WORKING
    item.refresh_from_db()
    assert item.resolution == "released"
    assert fresh(early).status == CaseStatus.WORKING


def test_what_is_held_can_still_be_cancelled() -> None:
    ready_case(type="access", identities=ADA)
    erasure = approved_case(identities=ADA)
    cancellation.cancel(erasure, actor=actor("pia"))
    assert erasure.requests.get().status == RequestStatus.CANCELLED


def held_late() -> tuple[Case, Case]:
    """An access case, and a held erasure of which somebody was told."""
    access = ready_case(type="access", identities=ADA)
    erasure = approved_case(identities=ADA, received_at=timezone.now() - timedelta(days=9))
    erasure_hold.release_due()
    assert fresh(erasure).status == CaseStatus.ATTENTION
    return access, erasure


def test_a_held_erasure_that_is_cancelled_waits_for_nobody() -> None:
    access, erasure = held_late()
    cancellation.cancel(erasure, actor=actor("pia"))
    erasure = fresh(erasure)
    assert (erasure.status, erasure.blocked_by) == (CaseStatus.REVIEW, None)
    assert AttentionItem.objects.get().resolution == "ended"
    erasure_hold.release_due()
    assert AttentionItem.objects.count() == 1
    closing.withdraw(erasure, actor=actor("pia"))
    end(access)
    erasure_hold.release_due()
    assert erasure.audit_events.latest("pk").action == "case.withdrawn"


@pytest.mark.parametrize("how", ["withdraw", "deny"])
def test_what_ends_before_its_approval_is_neither_told_of_nor_held_again(how: str) -> None:
    first = ready_case(type="access", identities=ADA)
    ready_case(type="portability", identities=ADA)
    erasure = ready_case(identities=ADA, received_at=timezone.now() - timedelta(days=9))
    erasure_hold.release_due()
    assert AttentionItem.objects.get(resolved_at=None).case == erasure
    if how == "withdraw":
        closing.withdraw(erasure, actor=actor("pia"))
    else:
        approval.deny(erasure, actor=actor("pia"), reason="exception_applies")
    assert not AttentionItem.objects.filter(resolved_at=None).exists()
    end(first)
    erasure_hold.release_due()
    erasure = fresh(erasure)
    assert (erasure.status, erasure.blocked_by) == (CaseStatus.CLOSED, None)
    assert erasure.clocks.get().satisfied_at is not None


def test_who_was_told_before_a_change_is_told_again_after_it() -> None:
    _access, erasure = held_late()
    identities.change(erasure, actor=actor("agnes"), add=[Identity("other", "n-7")], remove=[])
    approval.approve(fresh(erasure), actor=actor("pia"), digest=planning.digest(fresh(erasure)))
    erasure_hold.release_due()
    assert AttentionItem.objects.filter(resolved_at=None).count() == 1
    assert fresh(erasure).status == CaseStatus.ATTENTION


def test_what_a_person_has_decided_is_not_told_again() -> None:
    held_late()
    attention.resolve(AttentionItem.objects.get(), actor=actor("pia"), resolution="decided")
    erasure_hold.release_due()
    assert AttentionItem.objects.count() == 1


def test_the_case_it_waits_for_is_named_anew_when_it_is_another() -> None:
    first, erasure = held_late()
    second = ready_case(type="portability", identities=ADA)
    end(first)
    erasure_hold.release_due()
    (item,) = AttentionItem.objects.filter(resolved_at=None)
    assert second.reference in item.sentence.english
    assert sendable(erasure) == 0


def test_without_the_identity_that_held_it_it_is_not_held() -> None:
    ready_case(type="access", identities=ADA)
    erasure = approved_case(identities=[*ADA, ("other", "n-7")])
    removed = erasure.subject.identities.get(type="email")
    identities.change(erasure, actor=actor("agnes"), add=[], remove=[removed.pk])
    assert fresh(erasure).blocked_by is None
    identities.change(erasure, actor=actor("agnes"), add=[Identity("email", ADA[0][1])], remove=[])
    # What was added is what somebody typed, until it is shown.
    assert fresh(erasure).blocked_by is None
    verification.record(fresh(erasure), actor=actor("agnes"), method="signed_in")
    assert fresh(erasure).blocked_by is not None


def test_a_case_that_begins_anew_can_be_held_again() -> None:
    ready_case(type="access", identities=ADA)
    erasure = ready_case(identities=ADA)
    erasure_hold.release(erasure, actor=actor("pia"), reason="answered_already")
    closing.withdraw(erasure, actor=actor("pia"))
    closing.reopen(fresh(erasure), actor=actor("pia"), reason="closed_by_mistake")
    verification.record(fresh(erasure), actor=actor("agnes"), method="matched_data", evidence=MATCHED)
    assert fresh(erasure).blocked_by is not None
