"""Changing a plan or identities, and what becomes of an approval then."""

from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AuditEvent, Case, ProcessorRequest
from cases.services.dispatch import leases
from cases.services.person import identities
from cases.services.planning import approval, change_plan, planning
from cases.services.refusal import Refused, Superseded
from integrations.models import Processor
from integrations.types import Identity
from tests.builders import actor, approved_case, open_case, processor, ready_case

pytestmark = pytest.mark.django_db


@pytest.fixture
def first() -> Processor:
    return processor()


@pytest.fixture
def second(first: Processor) -> Processor:
    return processor(workspace=1, account="4303")


def planned(case: Case) -> set[str]:
    return {request.processor.name for request in planning.standing_requests(case)}


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def change(case: Case, *left_out: Processor, by: str = "agnes", skip: bool = False) -> Case:
    reasons: dict[UUID, str] = {each.pk: "no_data_there" for each in left_out}
    return change_plan.change(case, actor=actor(by), left_out=reasons, skip_waiting_period=skip)


def test_a_processor_is_left_out_with_a_reason_and_taken_in_again(
    first: Processor, second: Processor
) -> None:
    case = ready_case()
    change(case, second)
    assert planned(case) == {first.name}
    skip = case.skipped_processors.get()
    assert skip.sentence.english == f"{second.name}: it holds no data on this person."
    assert skip.skipped_by == actor("agnes").user
    change(case)
    assert planned(case) == {first.name, second.name}
    assert not case.skipped_processors.exists()


def test_what_is_left_out_is_part_of_what_is_approved(first: Processor, second: Processor) -> None:
    case = ready_case()
    seen = planning.digest(case)
    change(case, second)
    with pytest.raises(Superseded):
        approval.approve(case, actor=actor("pia"), digest=seen)


def test_nobody_is_left_out_without_a_listed_reason_and_not_everybody(
    first: Processor, second: Processor
) -> None:
    case = ready_case()
    with pytest.raises(Refused, match="listed reasons"):
        change_plan.change(case, actor=actor("agnes"), left_out={first.pk: "lazy"}, skip_waiting_period=False)
    with pytest.raises(Refused, match="at least one processor"):
        change(case, first, second)
    assert planned(case) == {first.name, second.name}


def test_the_waiting_period_is_skipped_after_opening(first: Processor) -> None:
    case = ready_case()
    change(case, skip=True)
    assert [request.skip_waiting_period for request in planning.standing_requests(case)] == [True]


def test_a_changed_identity_voids_an_approval_of_which_nothing_was_sent(first: Processor) -> None:
    case = approved_case()
    identities.change(case, actor=actor("agnes"), add=[Identity("other", "n-7")], remove=[])
    case = fresh(case)
    assert (case.status, case.approved_by, case.approval_digest) == (CaseStatus.READY, None, "")
    assert not leases.due(now=timezone.now()).exists()
    sentences = [event.sentence for event in AuditEvent.objects.filter(case=case).order_by("pk")]
    assert "The approval became void: the identities changed" in sentences
    # Whoever changed it last cannot approve it, by the service and by the database.
    with pytest.raises(Refused, match="second person"):
        approval.approve(case, actor=actor("agnes"), digest=planning.digest(case))
    with pytest.raises(IntegrityError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(
            approved_by=actor("agnes").user, approved_at=timezone.now(), approval_digest="x"
        )
    approval.approve(case, actor=actor("pia"), digest=planning.digest(case))
    sent = ProcessorRequest.objects.filter(case=case, status=RequestStatus.QUEUED).get()
    assert {identity.type for identity in sent.identities.all()} == {"email", "other"}


def test_an_approval_by_who_changed_it_needs_another_person(first: Processor) -> None:
    case = ready_case()
    change(case, by="pia")
    with pytest.raises(Refused, match="second person"):
        approval.approve(case, actor=actor("pia"), digest=planning.digest(case))


def test_what_was_attempted_cannot_be_changed(first: Processor) -> None:
    case = approved_case()
    leases.claim(first)
    with pytest.raises(
        Refused, match="Part of this plan has already been sent, so it can no longer be changed"
    ):
        identities.change(case, actor=actor("agnes"), add=[Identity("other", "n-7")], remove=[])
    assert fresh(case).approved_by is not None


def test_an_identity_is_removed_and_at_least_one_stays(first: Processor) -> None:
    case = ready_case(identities=[("email", "a@example.org"), ("email", "b@example.org")])
    assert len(planning.standing_requests(case)) == 2
    one, other = case.subject.identities.all()
    identities.change(case, actor=actor("agnes"), add=[], remove=[one.pk])
    assert len(planning.standing_requests(case)) == 1
    with pytest.raises(Refused, match="at least one"):
        identities.change(case, actor=actor("agnes"), add=[], remove=[other.pk])
    assert case.subject.identities.count() == 1


@pytest.mark.parametrize(
    ("identity", "said"),
    [(Identity("email", " A@example.ORG"), "entered twice"), (Identity("mpid", "x"), "64-bit integer")],
)
def test_an_identity_that_cannot_be_is_refused_and_nothing_changes(
    first: Processor, identity: Identity, said: str
) -> None:
    case = ready_case(identities=[("email", "a@example.org")])
    before = planning.digest(case)
    with pytest.raises(Refused, match=said):
        identities.change(case, actor=actor("agnes"), add=[identity], remove=[])
    assert planning.digest(case) == before


def test_identities_change_before_the_person_is_verified(first: Processor) -> None:
    case = open_case(identities=[("email", "a@example.org")])
    identities.change(case, actor=actor("agnes"), add=[Identity("other", "o")], remove=[])
    assert case.subject.identities.count() == 2
    assert fresh(case).status == CaseStatus.INTAKE
    with pytest.raises(Refused, match="The case is planned when the requester has been verified"):
        change(case)


def test_no_identity_is_in_an_event(first: Processor) -> None:
    case = ready_case()
    identities.change(case, actor=actor("agnes"), add=[Identity("other", "secret-77")], remove=[])
    assert "secret-77" not in "".join(AuditEvent.objects.values_list("canonical", flat=True))
