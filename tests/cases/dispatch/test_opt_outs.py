"""Opt-outs go out as they are opened, corrections by a second person; both end with what the processor said."""

import pytest

from cases.actor import Actor
from cases.lifecycle import Answer, CaseStatus, Outcome, RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services.closing import closing
from cases.services.dispatch import dispatch, leases
from cases.services.person import verification
from cases.services.planning import approval, planning
from cases.services.refusal import Refused
from integrations.models import Processor
from integrations.types import Correction
from tests.builders import actor, approved_case, open_case, processor, ready_case
from tests.sandbox import Sandbox

ADA = {"email": "ada@example.org"}
IDENTITIES = [("email", "ada@example.org")]


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def opt_out(regulation: str = "ccpa", **more: object) -> Case:
    return open_case(type="opt_out", regulation=regulation, identities=IDENTITIES, **more)  # type: ignore[arg-type]


def test_an_opt_out_is_sent_without_verification_or_approval(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(strangers="unknown")
    sandbox.person(identities=ADA)
    case = opt_out()
    assert (case.status, case.verified_at, case.approved_at) == (CaseStatus.WORKING, None, None)
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert (request.status, request.answer) == (RequestStatus.COMPLETED, Answer.ACCEPTED)
    consent = sandbox.people()[0]["consent_state"]
    # True is opted OUT, for the CCPA.
    assert consent["ccpa"]["data_sale_opt_out"]["consented"] is True
    assert fresh(case).status == CaseStatus.REVIEW
    assert closing.proposed_outcome(case) == Outcome.FULFILLED


def test_a_gdpr_opt_out_takes_back_consent_by_name(target: Processor, sandbox: Sandbox) -> None:
    sandbox.person(identities=ADA)
    opt_out("gdpr", purposes=["marketing", "analytics"])
    dispatch.drain(target.pk)
    consent = sandbox.people()[0]["consent_state"]["gdpr"]
    # False is no longer agreed, for the GDPR.
    assert {name: said["consented"] for name, said in consent.items()} == {
        "marketing": False,
        "analytics": False,
    }


def test_of_an_unknown_person_nothing_is_sent(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(strangers="unknown")
    case = opt_out()
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert (request.answer, request.remark) == (Answer.NO_DATA_HELD, "No profile found. Nothing was sent.")
    assert sandbox.people() == []
    assert sandbox.batches() == []
    assert closing.proposed_outcome(fresh(case)) == Outcome.NO_DATA_HELD


def test_an_opt_out_whose_answer_was_lost_is_recorded_once(target: Processor, sandbox: Sandbox) -> None:
    sandbox.person(identities=ADA)
    sandbox.faults([{"method": "POST", "path": "/s2s/v2/events", "fault": "reset_after"}])
    opt_out()
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get()
    assert (request.status, request.outcome_unknown) == (RequestStatus.QUEUED, True)
    ProcessorRequest.objects.update(next_attempt_at=None)
    dispatch.drain(target.pk)
    request.refresh_from_db()
    assert request.answer == Answer.ACCEPTED
    (batch,) = sandbox.batches()
    assert batch["taken"]["repeats"] == 1


def test_without_an_input_key_an_opt_out_is_refused_with_the_reason(
    transactional_db: None, sandbox: Sandbox
) -> None:
    keys = sandbox.workspaces[0]
    processor(sandbox, credentials={"workspace_key": keys["key"], "workspace_secret": keys["secret"]})
    with pytest.raises(Refused, match="Input key"):
        opt_out()
    assert not Case.objects.exists()


def test_an_opt_out_is_not_verified_and_no_other_type_is_sent_unapproved(target: Processor) -> None:
    with pytest.raises(Refused, match="no verification"):
        verification.record(opt_out(), actor=actor("agnes"), method="signed_in")
    with pytest.raises(Refused, match="This type of case requires approval"):
        approval.queue_unapproved(open_case(), actor=actor("agnes"))


NEW = Correction("email", "ada@example.org", "ada.king@example.org")


def correction() -> Case:
    return ready_case(type="correction", identities=IDENTITIES, corrections=[NEW])


def approve(case: Case, who: Actor) -> Case:
    return approval.approve(case, actor=who, digest=planning.digest(case))


def test_a_correction_needs_a_second_person_and_changes_the_profile(
    target: Processor, sandbox: Sandbox
) -> None:
    sandbox.person(identities=ADA)
    case = correction()
    with pytest.raises(Refused, match="second person"):
        approve(case, actor("agnes"))
    approve(case, actor("pia"))
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().answer == Answer.DONE
    assert sandbox.people()[0]["identities"] == {"email": "ada.king@example.org"}
    assert fresh(case).status == CaseStatus.REVIEW


def test_a_correction_whose_answer_was_lost_ends_all_the_same(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(strangers="unknown")
    mpid = sandbox.person(identities=ADA)
    sandbox.faults([{"method": "POST", "path": f"/identity/v1/{mpid}/modify", "fault": "reset_after"}])
    approve(correction(), actor("pia"))
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().outcome_unknown
    ProcessorRequest.objects.update(next_attempt_at=None)
    dispatch.drain(target.pk)
    assert ProcessorRequest.objects.get().answer == Answer.DONE


def test_another_new_value_is_another_approval(target: Processor) -> None:
    case = correction()
    seen = planning.digest(case)
    case.subject.identities.get().correction.delete()
    assert planning.digest(case) != seen


@pytest.mark.parametrize(
    ("corrections", "said"),
    [
        ([], "Enter a new value for at least one identifier."),
        (
            [Correction("email", "bob@example.org", "x@example.org")],
            "The value to correct must be among the identifiers.",
        ),
        ([Correction("email", "ada@example.org", "ada@example.org")], "must differ"),
        ([Correction("email", "ada@example.org", " ")], "must differ"),
    ],
)
def test_a_correction_says_what_and_to_what(
    target: Processor, corrections: list[Correction], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        open_case(type="correction", identities=IDENTITIES, corrections=corrections)


def test_other_types_have_no_new_values_and_no_purposes(target: Processor) -> None:
    with pytest.raises(Refused, match="Only a correction"):
        open_case(identities=IDENTITIES, corrections=[NEW])
    with pytest.raises(Refused, match="Only an opt-out"):
        open_case(identities=IDENTITIES, purposes=["marketing"])


def test_an_opt_out_does_not_wait_for_the_budget_of_new_requests(target: Processor, sandbox: Sandbox) -> None:
    sandbox.person(identities=ADA)
    erasure = approved_case(identities=IDENTITIES)
    opt_out()
    claimed = leases.claim(target, new_requests=False)
    assert [request.case.type for request in claimed] == ["opt_out"]
    assert [request.pk for request in leases.claim(target)] == [erasure.requests.get().pk]


def test_an_identity_has_one_new_value(target: Processor) -> None:
    twice = [Correction("email", "ada@example.org", new) for new in ("a@example.org", "b@example.org")]
    with pytest.raises(Refused, match="one new value"):
        open_case(type="correction", identities=IDENTITIES, corrections=twice)
