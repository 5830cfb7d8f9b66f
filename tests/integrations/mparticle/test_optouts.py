"""Opt-outs, in the sandbox's user store: what is recorded, on whom, and what is never made."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from integrations.errors import Unauthorized, UnexpectedAnswer, UnknownRequest, Unsupported
from integrations.mparticle.connector import MParticle
from integrations.types import Draft, Identity, Report, Submission
from tests.builders import about
from tests.integrations.mparticle.conftest import request
from tests.integrations.rows import row_of
from tests.sandbox import Sandbox

EMAIL = Identity("email", "ada@example.com")
SECOND_EMAIL = Identity("email", "ada@work.example")
CUSTOMER = Identity("controller_customer_id", "c-881")
MICROSOFT = Identity("microsoft_publisher_id", "m-1")


def opt_out(*identities: Identity, **more: Any) -> Submission:
    given = {"request_type": "opt_out", "regulation": "ccpa", "identities": identities or (EMAIL,)}
    return request(**given | more)


def amounts_to(report: Report) -> tuple[str, str, str]:
    return report.status, report.answer, report.remark.english


QUEUED = ("completed", "accepted", "mParticle has queued it. A later access request shows it.")
NOBODY = ("completed", "no_data_held", "No profile found. Nothing was sent.")


def test_a_known_person_is_opted_out(whole: MParticle, sandbox: Sandbox) -> None:
    mpid = sandbox.person({"email": EMAIL.value})
    row_of(whole).options["consent_document"] = "privacy-notice-v7"
    sent = opt_out()
    report = whole.submit(sent)
    assert amounts_to(report) == QUEUED
    assert (report.request_id, report.account) == (sent.request_id, "")
    [person] = sandbox.people()
    assert person["id"] == mpid
    assert person["consent_state"]["ccpa"]["data_sale_opt_out"] == {
        "consented": True,
        "timestamp_unixtime_ms": 1772357400000,
        "document": "privacy-notice-v7",
    }


def test_consent_to_purposes_is_taken_back(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": EMAIL.value})
    assert amounts_to(whole.submit(opt_out(regulation="gdpr", purposes=("advertising",)))) == QUEUED
    [person] = sandbox.people()
    assert person["consent_state"]["gdpr"]["advertising"]["consented"] is False


def test_nothing_is_sent_of_a_person_who_is_not_known(whole: MParticle, sandbox: Sandbox) -> None:
    assert amounts_to(whole.submit(opt_out(EMAIL, CUSTOMER))) == NOBODY
    assert (sandbox.people(), sandbox.batches()) == ([], [])
    assert sandbox.asked("identity", "identify") == sandbox.asked("identity", "login") == []


def test_every_profile_of_the_person_is_opted_out(whole: MParticle, sandbox: Sandbox) -> None:
    first = sandbox.person({"email": EMAIL.value})
    second = sandbox.person({"email": SECOND_EMAIL.value})
    given = sandbox.person({"other": "o"})
    sent = opt_out(EMAIL, SECOND_EMAIL, Identity("mpid", given), MICROSOFT)
    assert amounts_to(whole.submit(sent)) == QUEUED
    assert {batch["taken"]["mpid"] for batch in sandbox.batches()} == {first, second, given}
    assert [batch["taken"]["created"] for batch in sandbox.batches()] == [False] * 3


def test_the_same_profile_found_twice_gets_one_batch(whole: MParticle, sandbox: Sandbox) -> None:
    mpid = sandbox.person({"email": EMAIL.value})
    whole.submit(opt_out(EMAIL, Identity("mpid", mpid)))
    assert len(sandbox.batches()) == 1


def test_a_profile_that_is_named_is_not_searched(whole: MParticle, sandbox: Sandbox) -> None:
    mpid = sandbox.person({"email": EMAIL.value})
    assert amounts_to(whole.submit(opt_out(Identity("mpid", mpid)))) == QUEUED
    assert sandbox.asked("identity") == []
    assert [batch["taken"]["mpid"] for batch in sandbox.batches()] == [mpid]


def test_a_retry_is_dropped_there(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": EMAIL.value})
    sandbox.faults([{"method": "POST", "path": "/s2s/v2/events", "fault": "status_502"}])
    sent = opt_out()
    with pytest.raises(UnexpectedAnswer) as failure:
        whole.submit(sent)
    assert failure.value.retryable
    assert whole.repeats_safely("opt_out")
    for _ in range(2):
        assert amounts_to(whole.submit(sent)) == QUEUED
    assert [batch["taken"]["repeats"] for batch in sandbox.batches()] == [1]
    whole.submit(replace(sent, request_id=uuid4()))
    assert len(sandbox.batches()) == 2


def test_a_search_that_fails_is_not_a_person_who_is_not_known(whole: MParticle, sandbox: Sandbox) -> None:
    sandbox.person({"email": EMAIL.value})
    sandbox.switches(identity_errors="html")
    with pytest.raises(UnexpectedAnswer):
        whole.submit(opt_out(CUSTOMER))
    assert sandbox.batches() == []


@pytest.mark.parametrize("spoil", ["input_key", "input_secret"])
def test_wrong_input_credentials(whole: MParticle, sandbox: Sandbox, spoil: str) -> None:
    mpid = sandbox.person({"email": EMAIL.value})
    row_of(whole).credentials[spoil] = "wrong"
    calls: list[Callable[[], object]] = [
        lambda: whole.submit(opt_out()),
        lambda: whole.submit(opt_out(Identity("mpid", mpid))),
        lambda: whole.search([EMAIL]),
    ]
    for call in calls:
        with pytest.raises(Unauthorized) as failure:
            call()
        assert failure.value.key_field == "input_key"
        assert "Check the input key and its secret" in failure.value.sentence.english
    assert sandbox.batches() == []


def test_without_the_key_nothing_is_tried(mparticle: MParticle, sandbox: Sandbox) -> None:
    with pytest.raises(Unsupported):
        mparticle.submit(opt_out())


def test_there_is_nothing_to_ask_about_later(whole: MParticle, sandbox: Sandbox) -> None:
    with pytest.raises(UnknownRequest):
        whole.report(about(uuid4(), "opt_out"))
    assert whole.longest("opt_out", skip_waiting_period=False).total_seconds() == 3600


# Before it is sent.


def draft(*identities: Identity, **more: Any) -> Draft:
    given: dict[str, Any] = {"request_type": "opt_out", "regulation": "ccpa", **more}
    return Draft(identities=identities, **given)


@pytest.mark.parametrize(
    "good",
    [
        draft(EMAIL),
        draft(EMAIL, SECOND_EMAIL, CUSTOMER, MICROSOFT),
        draft(Identity("mpid", "-77")),
        draft(Identity("mpid", "-77"), MICROSOFT),
        draft(EMAIL, regulation="gdpr", purposes=("advertising",)),
    ],
)
def test_what_can_be_an_opt_out(whole: MParticle, good: Draft) -> None:
    assert (whole.cannot(good), whole.check(good)) == (None, [])
    assert whole.split(good) == [good.identities]
    assert [sentence for sentence in whole.warn(good) if "forwarding rules" in sentence.english]


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (draft(), "must find the profile"),
        (draft(MICROSOFT), "must find the profile"),
        (draft(Identity("mpid", "x")), "64-bit integer"),
        (draft(Identity("email", " ")), "has no value"),
        (draft(EMAIL, skip_waiting_period=True), "Only an erasure"),
        (draft(EMAIL, regulation="lgpd"), "GDPR and the CCPA only"),
        (draft(EMAIL, regulation="gdpr"), "needs the purposes"),
        (draft(EMAIL, regulation="gdpr", purposes=("",)), "needs the purposes"),
        (
            draft(EMAIL, regulation="gdpr", purposes=("advertising", "sale")),
            "The purpose “sale” is not one of those in this workspace",
        ),
    ],
)
def test_what_cannot_be_one_is_a_sentence(whole: MParticle, bad: Draft, rule: str) -> None:
    row_of(whole).options["gdpr_purposes"] = " advertising \n\nprofiling\n"
    [sentence] = whole.check(bad)
    assert rule in sentence.english
    assert sentence.english.endswith(".")
    assert whole.cannot(bad) is None


@pytest.mark.parametrize("kind", ["opt_out", "correction"])
@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (["input_key", "input_secret"], "“Input key” and “Input secret”"),
        (["input_secret"], "needs “Input secret” for"),
    ],
)
def test_an_account_without_the_key_is_skipped(
    whole: MParticle, kind: str, missing: list[str], named: str
) -> None:
    for name in missing:
        row_of(whole).credentials[name] = ""
    assert named in str(whole.cannot(draft(EMAIL, request_type=kind)))
    assert whole.cannot(draft(EMAIL, request_type="erasure")) is None
