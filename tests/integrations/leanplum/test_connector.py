"""The Leanplum connector against the sandbox, over real HTTPS."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dsrportal.crypto import blind_index
from integrations.errors import (
    NothingFound,
    Rejected,
    TooLarge,
    UnknownRequest,
    Unsupported,
)
from integrations.leanplum.connector import Leanplum
from integrations.models import Processor
from integrations.types import Correction, Identity, Match
from tests.integrations.leanplum.conftest import CUSTOMER, EMAIL, asking, choose, request, word
from tests.sandbox import Sandbox

DAY = 24 * 3600
STRANGER = Identity("controller_customer_id", "c-999")


def attributes(sandbox: Sandbox) -> dict[str, Any]:
    [row] = sandbox.people(app="app_sandbox")
    found: dict[str, Any] = row["attributes"]
    return found


# Erasure, by each policy.


def test_a_deleted_user_is_done_when_no_longer_found(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    sandbox.switches(leanplum_erasure_seconds=15 * DAY)
    sent = request("erasure")
    report = leanplum.submit(sent)
    assert (report.request_id, word(report)) == (sent.request_id, ("in_progress", ""))
    assert report.expected_completion_at is not None
    assert abs(report.expected_completion_at - timezone.now() - timedelta(days=15)) < timedelta(minutes=1)
    assert report.expected_completion_raw
    sandbox.advance(14 * DAY)
    assert word(leanplum.report(asking(sent))) == ("in_progress", "")
    sandbox.advance(DAY)
    assert word(leanplum.report(asking(sent))) == ("completed", "done")
    [told] = sandbox.asked("leanplum", "deleteUser")
    assert told["content"]["arguments"]["fullErasure"] is True


def test_a_user_who_is_deleted_and_still_there_is_not_done_however_empty(
    leanplum: Leanplum, sandbox: Sandbox
) -> None:
    sandbox.person({CUSTOMER.type: CUSTOMER.value}, app=0)
    sandbox.switches(leanplum_erasure_seconds=DAY)
    sent = request("erasure")
    leanplum.submit(sent)
    assert word(leanplum.report(asking(sent))) == ("in_progress", "")
    assert leanplum.search([CUSTOMER]).found


def test_a_user_who_comes_back_is_not_erased(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    sent = request("erasure")
    leanplum.submit(sent)
    sandbox.person({CUSTOMER.type: CUSTOMER.value}, app=0, attributes={"plan": "gold"})
    assert word(leanplum.report(asking(sent))) == ("in_progress", "")
    assert leanplum.search([CUSTOMER]).found


def test_a_blocked_user_is_accepted_since_no_word_follows(
    leanplum: Leanplum, sandbox: Sandbox, jane: str
) -> None:
    choose(leanplum, erasure_policy="block")
    report = leanplum.submit(request("erasure"))
    assert word(report) == ("completed", "accepted")
    assert "within 15 days" in report.remark.english
    assert sandbox.people(app="app_sandbox")[0]["blocked"]


def test_a_block_is_verified_by_what_is_left(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    choose(leanplum, erasure_policy="block_then_verify")
    sent = request("erasure")
    assert word(leanplum.submit(sent)) == ("in_progress", "")
    report = leanplum.report(asking(sent))
    assert word(report) == ("completed", "done")
    assert "user ID stays" in report.remark.english
    assert leanplum.search([CUSTOMER]) == Match(found=False)  # the shell is not the person


@pytest.mark.parametrize(
    ("switch", "answer"), [("shell", "done"), ("not_found", "done"), ("451", "accepted")]
)
def test_what_a_blocked_user_answers_is_not_documented(
    leanplum: Leanplum, sandbox: Sandbox, jane: str, switch: str, answer: str
) -> None:
    sandbox.switches(leanplum_blocked=switch)
    choose(leanplum, erasure_policy="block_then_verify")
    sent = request("erasure")
    leanplum.submit(sent)
    assert word(leanplum.report(asking(sent))) == ("completed", answer)


def test_who_was_blocked_before_is_accepted(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    sandbox.switches(leanplum_blocked="451")
    choose(leanplum, erasure_policy="block")
    leanplum.submit(request("erasure"))
    choose(leanplum, erasure_policy="delete")
    report = leanplum.submit(request("erasure"))
    assert word(report) == ("completed", "accepted")
    assert (
        "The data subject was already blocked there, which erases the data and stops collection."
        in report.remark.english
    )


@pytest.mark.parametrize("policy", ["delete", "block", "block_then_verify"])
def test_nobody_is_no_data_held(leanplum: Leanplum, sandbox: Sandbox, policy: str) -> None:
    choose(leanplum, erasure_policy=policy)
    report = leanplum.submit(request("erasure"))
    assert word(report) == ("completed", "no_data_held")
    assert report.remark.english == "Leanplum has no user with the requested Customer ID."


# Access.


def test_access_is_exported_and_fetched(leanplum: Leanplum, processor: Processor, jane: str) -> None:
    sent = request("access")
    report = leanplum.submit(sent)
    assert word(report) == ("completed", "")
    assert report.results_url == processor.api_address
    assert word(leanplum.report(asking(sent))) == ("completed", "")
    with leanplum.fetch_result(asking(sent), report.results_url, limit_bytes=100_000) as result:
        assert result.content_type == "application/json"
        package = b"".join(result.chunks)
    held = json.loads(package)
    assert (held["userId"], held["userAttributes"]["email"]) == (CUSTOMER.value, EMAIL.value)
    summary = leanplum.summarise(io.BytesIO(package), submitted=[CUSTOMER])
    assert ("is_tipping", "True") in summary.fields
    assert summary.identities == (("userId", CUSTOMER.value), ("email", EMAIL.value))
    assert summary.events == (("purchase", "", 2),)
    assert (summary.doubt, summary.has_profile) == ("", True)


def test_access_to_nobody_is_no_data_held(leanplum: Leanplum, sandbox: Sandbox) -> None:
    sent = request("access")
    assert word(leanplum.submit(sent)) == ("completed", "no_data_held")
    with pytest.raises(NothingFound), leanplum.fetch_result(asking(sent), "", limit_bytes=1000):
        pytest.fail("something was found")


def test_an_export_beyond_the_limit_is_too_large(leanplum: Leanplum, jane: str) -> None:
    with pytest.raises(TooLarge), leanplum.fetch_result(asking(request("access")), "", limit_bytes=100):
        pytest.fail("it was taken")


def test_a_blocked_user_may_hold_anything(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    choose(leanplum, erasure_policy="block")
    leanplum.submit(request("erasure"))
    sandbox.switches(leanplum_blocked="451")
    for ask in (lambda: leanplum.submit(request("access")), lambda: leanplum.search([CUSTOMER])):
        with pytest.raises(Rejected, match="blocked"):
            ask()


# Corrections and opt-outs.


def test_a_correction_changes_the_attribute(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    changes = (Correction("email", EMAIL.value, "jane@new.example"), Correction("other", "a", "b"))
    report = leanplum.submit(request("correction", CUSTOMER, EMAIL, corrections=changes))
    assert word(report) == ("completed", "done")
    assert attributes(sandbox) == {"email": "jane@new.example", "is_tipping": True}


@pytest.mark.parametrize("request_type", ["correction", "opt_out"])
def test_nobody_is_created(leanplum: Leanplum, sandbox: Sandbox, jane: str, request_type: str) -> None:
    changes = (Correction("email", EMAIL.value, "jane@new.example"),)
    before = sandbox.people()
    report = leanplum.submit(request(request_type, STRANGER, corrections=changes))
    assert word(report) == ("completed", "no_data_held")
    assert sandbox.people() == before


def test_an_opt_out_sets_the_attribute(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    assert word(leanplum.submit(request("opt_out"))) == ("completed", "done")
    assert attributes(sandbox)["opted_out"] is True


@pytest.mark.parametrize(
    ("request_type", "answer"), [("correction", "not_applicable"), ("opt_out", "accepted")]
)
def test_a_blocked_user_cannot_be_changed(
    leanplum: Leanplum, sandbox: Sandbox, jane: str, request_type: str, answer: str
) -> None:
    choose(leanplum, erasure_policy="block")
    leanplum.submit(request("erasure"))
    changes = (Correction("email", EMAIL.value, "jane@new.example"),)
    report = leanplum.submit(request(request_type, corrections=changes))
    assert word(report) == ("completed", answer)
    assert "blocked" in report.remark.english


@pytest.mark.parametrize("request_type", ["correction", "opt_out"])
def test_without_an_attribute_nothing_is_sent(
    leanplum: Leanplum, sandbox: Sandbox, jane: str, request_type: str
) -> None:
    choose(leanplum, opt_out_attribute="", attributes="")
    changes = (Correction("email", EMAIL.value, "jane@new.example"),)
    with pytest.raises(Rejected, match="no attribute"):
        leanplum.submit(request(request_type, corrections=changes))
    assert sandbox.asked("leanplum") == []


@pytest.mark.parametrize("request_type", ["correction", "opt_out"])
def test_of_what_was_changed_leanplum_keeps_no_record(leanplum: Leanplum, request_type: str) -> None:
    with pytest.raises(UnknownRequest):
        leanplum.report(asking(request(request_type)))


# Who is asked for, and how.


def test_a_search_is_by_the_user_id_alone(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    assert leanplum.search([EMAIL, CUSTOMER]) == Match(found=True, matched=("controller_customer_id",))
    assert leanplum.search([STRANGER]) == Match(found=False)
    assert leanplum.search([STRANGER, CUSTOMER]).found
    with pytest.raises(Unsupported, match="Add one"):
        leanplum.search([EMAIL])


def test_without_the_user_id_nothing_is_asked(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    for ask in (
        lambda: leanplum.submit(request("erasure", EMAIL)),
        lambda: leanplum.report(asking(request("erasure", EMAIL))),
    ):
        with pytest.raises(Rejected, match="identifies users by Customer ID"):
            ask()
    assert sandbox.asked("leanplum") == []


def test_everything_is_in_the_body(leanplum: Leanplum, sandbox: Sandbox, jane: str) -> None:
    changes = (Correction("email", EMAIL.value, "jane@new.example"),)
    leanplum.submit(request("access"))
    leanplum.submit(request("correction", corrections=changes))
    leanplum.submit(request("opt_out"))
    leanplum.submit(request("erasure"))
    choose(leanplum, erasure_policy="block")
    leanplum.submit(request("erasure"))
    told = [row["content"] for row in sandbox.asked("leanplum")]
    assert [(each["method"], each["in_query"]) for each in told] == [("POST", [])] * 5
    for arguments in (each["arguments"] for each in told):
        assert arguments["apiVersion"] == "1.0.6"
        assert "devMode" not in arguments
        assert arguments["action"] != "multi"
        if arguments["action"] == "setUserAttributes":
            assert arguments["createDisposition"] == "CreateNever"


@pytest.mark.django_db(transaction=True)
def test_two_calls_about_one_user_wait_for_each_other(
    leanplum: Leanplum, sandbox: Sandbox, jane: str
) -> None:
    """Leanplum would refuse the second."""
    blind_index("turn", jane)  # the threads find its key remembered, and need no connection of their own
    sandbox.faults([{"path": "/leanplum/api", "fault": "slow", "seconds": 0.3}])
    ready = threading.Barrier(2)

    def search(_: int) -> bool:
        ready.wait(10)
        return leanplum.search([CUSTOMER]).found

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(search, range(2))) == [True, True]
