"""What goes wrong with Leanplum, and what its connection test says of it; against the sandbox."""

from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.errors import RateLimited, Rejected, Unauthorized, UnexpectedAnswer, Unreachable
from integrations.leanplum.checks import NOBODY
from integrations.leanplum.connector import Leanplum
from integrations.models import Processor
from integrations.types import Correction, Limit, ReportedStatus
from tests.builders import about
from tests.integrations.leanplum.conftest import EMAIL, choose, request, word
from tests.sandbox import Sandbox

DAY = 24 * 3600


@pytest.mark.parametrize(
    ("switch", "error", "retryable"),
    [
        ("warning", Rejected, False),
        ("error", Rejected, False),
        ("missing", UnexpectedAnswer, True),
        ("wrong_length", UnexpectedAnswer, True),
        ("html", UnexpectedAnswer, True),
        ("rate_limited", RateLimited, True),
    ],
)
def test_an_answer_of_200_is_not_success(
    leanplum: Leanplum, sandbox: Sandbox, jane: str, switch: str, error: type[Exception], retryable: bool
) -> None:
    sandbox.switches(leanplum_answer=switch)
    with pytest.raises(error) as failure:
        leanplum.submit(request("erasure"))
    assert failure.value.retryable is retryable  # type: ignore[attr-defined]


@pytest.mark.parametrize("request_type", ["access", "portability", "erasure", "correction", "opt_out"])
def test_a_lost_answer_is_repeated(
    leanplum: Leanplum, sandbox: Sandbox, jane: str, request_type: str
) -> None:
    assert leanplum.repeats_safely(request_type)
    sandbox.switches(leanplum_erasure_seconds=DAY)
    sandbox.faults([{"path": "/leanplum/api", "fault": "reset_after"}])
    sent = request(request_type, corrections=(Correction("email", EMAIL.value, "jane@new.example"),))
    with pytest.raises(Unreachable):
        leanplum.submit(sent)
    expected = ReportedStatus.IN_PROGRESS if request_type == "erasure" else ReportedStatus.COMPLETED
    assert leanplum.submit(sent).status == expected


def test_who_is_gone_after_a_lost_answer_was_erased_by_it(
    leanplum: Leanplum, sandbox: Sandbox, jane: str
) -> None:
    """Not “nothing held”: that would deny what was done."""
    sandbox.switches(leanplum_erasure_seconds=0)
    sandbox.faults([{"path": "/leanplum/api", "fault": "reset_after"}])
    sent = request("erasure")
    with pytest.raises(Unreachable):
        leanplum.submit(sent)
    report = leanplum.submit(replace(sent, repeated=True))
    assert word(report) == ("completed", "done")
    assert "earlier attempt" in report.remark.english
    # The first time nobody is found, nothing was held by that id.
    assert word(leanplum.submit(request("erasure"))) == ("completed", "no_data_held")


@pytest.mark.parametrize(
    ("key", "ask"),
    [
        ("development_key", "erasure"),
        ("export_key", "access"),
        ("production_key", "opt_out"),
    ],
)
def test_a_wrong_key_is_named(
    leanplum: Leanplum, processor: Processor, sandbox: Sandbox, jane: str, key: str, ask: str
) -> None:
    processor.credentials = {**processor.credentials, key: "wrong"}
    with pytest.raises(Unauthorized) as failure:
        leanplum.submit(request(ask))
    assert failure.value.key_field == key


# The connection, and the rest.


def test_each_key_is_tried_by_itself_and_harms_nobody(
    leanplum: Leanplum, sandbox: Sandbox, jane: str
) -> None:
    before = sandbox.people()
    checks = leanplum.test_connection()
    assert [(check.key_field, check.works) for check in checks] == [
        ("development_key", True),
        ("production_key", True),
        ("export_key", True),
        ("", True),
    ]
    assert checks[3].sentence.english == "Users are identified there by Customer ID."
    assert sandbox.people() == before
    assert {row["content"]["arguments"]["userId"] for row in sandbox.asked("leanplum")} == {NOBODY}


@pytest.mark.parametrize("key", ["development_key", "production_key", "export_key"])
def test_the_check_of_a_wrong_key_names_it(leanplum: Leanplum, processor: Processor, key: str) -> None:
    processor.credentials = {**processor.credentials, key: "wrong"}
    [broken] = [check for check in leanplum.test_connection() if not check.works]
    assert broken.key_field == key
    assert key.removesuffix("_key").removeprefix("data ") in broken.sentence.english.lower()


@pytest.mark.parametrize("switch", ["warning", "error"])
def test_a_call_that_was_skipped_was_made_with_a_good_key(
    leanplum: Leanplum, sandbox: Sandbox, switch: str
) -> None:
    sandbox.switches(leanplum_answer=switch)
    assert all(check.works for check in leanplum.test_connection())


def test_a_wrong_app_is_told_from_a_wrong_key(leanplum: Leanplum, processor: Processor) -> None:
    processor.account = "app_nowhere"
    checks = leanplum.test_connection()[:3]
    assert [check.works for check in checks] == [False] * 3
    assert all("App ID" in check.sentence.english for check in checks)


@pytest.mark.parametrize(
    ("options", "field"),
    [({"user_id_type": ""}, "user_id_type"), ({"attributes": "email: email\nemail = mail"}, "attributes")],
)
def test_options_that_say_nothing_are_told(leanplum: Leanplum, options: dict[str, str], field: str) -> None:
    choose(leanplum, **options)
    check = leanplum.test_connection()[3]
    assert (check.works, check.key_field) == (False, field)


def test_the_budget_and_the_times(leanplum: Leanplum, processor: Processor) -> None:
    assert leanplum.budget().calls == Limit(100_000, 60)
    processor.limits = ""
    assert leanplum.budget().calls == Limit(600, 60)
    assert leanplum.longest("erasure", skip_waiting_period=True) == timedelta(days=15)
    assert leanplum.longest("access", skip_waiting_period=False) == timedelta(hours=1)
    assert leanplum.report_pace == 24


def test_a_question_without_its_identities_says_so(leanplum: Leanplum) -> None:
    with pytest.raises(Rejected, match="Add one, or search for the data subject there manually"):
        leanplum.report(about(request("erasure").request_id))
