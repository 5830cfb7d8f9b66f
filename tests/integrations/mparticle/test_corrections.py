"""Corrections, in the sandbox's user store: what was changed, and what there was to change."""

import json
from typing import Any

import pytest

from integrations.errors import Rejected, Unauthorized, UnknownRequest, Unreachable
from integrations.mparticle.connector import MParticle
from integrations.types import Correction, Draft, Identity, Report, Submission
from tests.builders import about
from tests.integrations.mparticle.conftest import NOT_FOUND, asked, found, request, says
from tests.integrations.odd_server import OddServer
from tests.integrations.rows import row_of
from tests.sandbox import Sandbox

OLD, NEW = "ada@example.com", "ada@new.example"
EMAIL = Identity("email", OLD)
CUSTOMER = Identity("controller_customer_id", "c-881")
CHANGE = Correction("email", OLD, NEW)


def correction(*identities: Identity, changes: tuple[Correction, ...] = (CHANGE,)) -> Submission:
    return request(request_type="correction", identities=identities or (EMAIL,), corrections=changes)


def amounts_to(report: Report) -> tuple[str, str, str]:
    return report.status, report.answer, report.remark.english


DONE = ("completed", "done", "")
THERE_ALREADY = ("completed", "done", "The new values were already there.")
NOBODY = (
    "completed",
    "no_data_held",
    "No profile found by the old or the new values. Nothing was changed.",
)
NOT_CARRIED = (
    "completed",
    "not_applicable",
    "A profile was found, but not with the old values. Nothing was changed.",
)


def test_a_value_is_replaced(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": OLD, "controller_customer_id": "c-881"})
    assert amounts_to(whole.submit(correction(EMAIL, CUSTOMER))) == DONE
    [person] = sandbox.people()
    assert person["identities"] == {"email": NEW, "controller_customer_id": "c-881"}


def test_several_values_are_replaced_at_once(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": OLD, "controller_customer_id": "c-881", "other": "o"})
    changes = (CHANGE, Correction("controller_customer_id", "c-881", "c-882"))
    assert amounts_to(whole.submit(correction(EMAIL, CUSTOMER, changes=changes))) == DONE
    [person] = sandbox.people()
    assert person["identities"] == {"email": NEW, "controller_customer_id": "c-882", "other": "o"}
    assert len(sandbox.asked("identity", "modify")) == 1


@pytest.mark.parametrize("identities", [(EMAIL,), (EMAIL, CUSTOMER)])
def test_what_was_done_is_done_again_without_harm(
    whole: MParticle, sandbox: Sandbox, identities: tuple[Identity, ...]
) -> None:
    sandbox.person({"email": OLD, "controller_customer_id": "c-881"})
    sandbox.faults([{"method": "POST", "path": "/identity/v1/*/modify", "fault": "reset_after"}])
    sent = correction(*identities)
    with pytest.raises(Unreachable) as failure:
        whole.submit(sent)
    assert not failure.value.outcome_known
    assert whole.repeats_safely("correction")
    assert amounts_to(whole.submit(sent)) == THERE_ALREADY
    [person] = sandbox.people()
    assert person["identities"]["email"] == NEW


def test_nobody_is_known(whole: MParticle, sandbox: Sandbox) -> None:
    assert amounts_to(whole.submit(correction(EMAIL, CUSTOMER))) == NOBODY
    assert sandbox.people() == []
    assert sandbox.asked("identity", "modify") == []


def test_a_profile_without_the_old_value_is_left_alone(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": "somebody@else.example", "controller_customer_id": "c-881"})
    assert amounts_to(whole.submit(correction(EMAIL, CUSTOMER))) == NOT_CARRIED
    [person] = sandbox.people()
    assert person["identities"]["email"] == "somebody@else.example"


def test_two_values_of_a_type_are_on_two_profiles(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": OLD})
    sandbox.person({"email": "ada@work.example"})
    second = Correction("email", "ada@work.example", "ada@work.new.example")
    sent = correction(EMAIL, Identity("email", "ada@work.example"), changes=(CHANGE, second))
    assert amounts_to(whole.submit(sent)) == DONE
    assert {person["identities"]["email"] for person in sandbox.people()} == {NEW, "ada@work.new.example"}


def test_a_part_of_it_is_not_all_of_it(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": OLD})
    second = Correction("email", "ada@gone.example", "x@gone.example")
    sent = correction(EMAIL, Identity("email", "ada@gone.example"), changes=(CHANGE, second))
    status, answer, remark = amounts_to(whole.submit(sent))
    assert (status, answer) == ("completed", "done")
    assert "Some of the old values" in remark


def test_only_the_value_to_correct_is_searched_by_itself(whole: MParticle, sandbox: Sandbox) -> None:
    """The other e-mail address is not looked for: nothing of it is to be changed."""
    sandbox.person({"email": OLD})
    whole.submit(correction(Identity("email", "ada@work.example"), EMAIL, CUSTOMER))
    [search] = sandbox.asked("identity", "search")
    assert search["content"]["known_identities"] == {"email": OLD, "customerid": "c-881"}


def test_a_refused_change_of_what_was_said_to_match(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 200, found("5", "email"))
    says(odd, 400, {"errors": [{"code": "BAD_REQUEST", "message": OLD}]})
    says(odd, 404, NOT_FOUND)
    with pytest.raises(Rejected, match="BAD_REQUEST"):
        odd_mparticle.submit(correction())
    assert asked(odd) == [
        "POST /identity/v1/search",
        "POST /identity/v1/5/modify",
        "POST /identity/v1/search",
    ]


@pytest.mark.parametrize(("holder", "done"), [("5", True), ("6", False)])
def test_a_refused_change_may_have_been_made(
    odd_mparticle: MParticle, odd: OddServer, holder: str, done: bool
) -> None:
    """Only where this very profile carries the new value."""
    says(odd, 200, {"mpid": "5"})
    says(odd, 400)
    says(odd, 200, found(holder, "email"))
    if done:
        assert amounts_to(odd_mparticle.submit(correction())) == THERE_ALREADY
    else:
        with pytest.raises(Rejected):
            odd_mparticle.submit(correction())
    assert json.loads(odd.bodies[2])["known_identities"] == {"email": NEW}


def test_a_profile_that_goes_in_between(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 200, found("5", "email"))
    says(odd, 404, NOT_FOUND)
    assert amounts_to(odd_mparticle.submit(correction())) == NOBODY


def test_wrong_input_credentials(whole: MParticle, sandbox: Sandbox) -> None:
    row_of(whole).credentials["input_secret"] = "wrong"
    with pytest.raises(Unauthorized):
        whole.submit(correction())


def test_there_is_nothing_to_ask_about_later(whole: MParticle) -> None:
    sent = correction()
    with pytest.raises(UnknownRequest):
        whole.report(about(sent.request_id, "correction"))


# Before it is sent.


def draft(*changes: Correction, **more: Any) -> Draft:
    identities = more.pop("identities", tuple(Identity(each.type, each.old_value) for each in changes))
    return Draft("correction", "gdpr", identities, corrections=changes, **more)


@pytest.mark.parametrize(
    "good",
    [draft(CHANGE), draft(CHANGE, Correction("other10", "1", "2"), Correction("ios_vendor_id", "1", "2"))],
)
def test_what_can_be_corrected(whole: MParticle, good: Draft) -> None:
    assert (whole.cannot(good), whole.check(good), whole.warn(good)) == (None, [], [])
    assert whole.split(good) == [good.identities]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (draft(), "A correction must contain at least one identifier and its new value."),
        (draft(CHANGE, skip_waiting_period=True), "Only an erasure"),
        (draft(Correction("mpid", "1", "2")), "cannot change the identifier “mParticle ID”"),
        (draft(Correction("microsoft_advertising_id", "1", "2")), "cannot change"),
        (draft(Correction("email", OLD, " ")), "has no new value"),
        (draft(Correction("email", OLD, OLD)), "same value before and after"),
        (draft(CHANGE, identities=(Identity("email", ""),)), "has no value"),
    ],
)
def test_what_cannot_be_corrected_is_a_sentence(whole: MParticle, bad: Draft, rule: str) -> None:
    [sentence] = whole.check(bad)
    assert rule in sentence.english
    assert sentence.english.endswith(".")
    assert "ada" not in sentence.english
