"""The mParticle connector against the sandbox, over real HTTPS."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from dsrportal.queueing import store
from integrations import budget
from integrations.errors import (
    AlreadyExists,
    Conflict,
    IntegrationError,
    NotSent,
    RateLimited,
    Rejected,
    TooLate,
    Unauthorized,
    UnexpectedAnswer,
    UnknownRequest,
    Unreachable,
)
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.types import Draft, Identity, IdentityType, Limit, PartnerStatus, ReportedStatus
from tests.builders import about
from tests.integrations.mparticle.conftest import request
from tests.sandbox import Sandbox

DAY = 24 * 3600


def test_a_request_is_sent_and_asked_about(mparticle: MParticle, processor: Processor) -> None:
    sent = request()
    created = mparticle.submit(sent)
    assert (created.request_id, created.status, created.account) == (
        sent.request_id,
        ReportedStatus.PENDING,
        processor.account,
    )
    report = mparticle.report(about(sent.request_id))
    assert report.status == ReportedStatus.PENDING
    assert report.expected_completion_at == created.expected_completion_at is not None


@pytest.mark.parametrize("request_type", ["access", "portability", "erasure"])
@pytest.mark.parametrize("regulation", ["gdpr", "ccpa"])
def test_the_strict_sandbox_takes_every_type(
    mparticle: MParticle, request_type: str, regulation: str
) -> None:
    sent = request(request_type=request_type, regulation=regulation, skip_waiting_period=True)
    assert mparticle.submit(sent).status == ReportedStatus.PENDING


def test_every_identity_type_arrives(mparticle: MParticle, sandbox: Sandbox) -> None:
    identities = tuple(
        Identity(kind, "-77" if kind == "mpid" else f"{kind}-{uuid4()}") for kind in IdentityType.values
    )
    parts = mparticle.split(Draft("erasure", "gdpr", identities))
    assert [len(part) for part in parts] == [24, 1]
    for part in parts:
        mparticle.submit(request(identities=part))


def test_the_same_id_twice_is_known_and_unchanged(mparticle: MParticle, sandbox: Sandbox) -> None:
    sent = request()
    mparticle.submit(sent)
    with pytest.raises(AlreadyExists):
        mparticle.submit(sent)
    assert mparticle.report(about(sent.request_id)).status == ReportedStatus.PENDING


@pytest.mark.parametrize("envelope", ["flat", "nested"])
def test_both_error_envelopes_say_already_exists(
    mparticle: MParticle, sandbox: Sandbox, envelope: str
) -> None:
    sandbox.switches(error_envelope=envelope)
    sent = request()
    mparticle.submit(sent)
    with pytest.raises(AlreadyExists):
        mparticle.submit(sent)


@pytest.mark.parametrize("envelope", ["empty", "html"])
def test_without_an_envelope_a_400_is_a_refusal(
    mparticle: MParticle, sandbox: Sandbox, envelope: str
) -> None:
    sandbox.switches(error_envelope=envelope)
    sent = request()
    mparticle.submit(sent)
    with pytest.raises(Rejected) as failure:
        mparticle.submit(sent)
    assert type(failure.value) is Rejected


def test_another_request_for_the_same_person_is_a_conflict(mparticle: MParticle) -> None:
    sent = request()
    mparticle.submit(sent)
    with pytest.raises(Conflict):
        mparticle.submit(replace(sent, request_id=uuid4()))


def test_an_unknown_id(mparticle: MParticle) -> None:
    with pytest.raises(UnknownRequest):
        mparticle.report(about(uuid4()))


def test_a_group_is_reported_at_once(mparticle: MParticle) -> None:
    sent = [request(), request(), request(group_id="case-8")]
    for one in sent:
        mparticle.submit(one)
    found = {report.request_id for report in mparticle.report_group("case-7")}
    assert found == {sent[0].request_id, sent[1].request_id}


@pytest.mark.parametrize("unknown", ["empty", "404"])
def test_an_unknown_group_is_empty(mparticle: MParticle, sandbox: Sandbox, unknown: str) -> None:
    sandbox.switches(unknown_group=unknown)
    assert mparticle.report_group("nothing of the kind") == []


@pytest.mark.parametrize("form", ["midnight", "six_digits", "seven_digits", "naive", "null"])
def test_every_form_of_the_expected_time(mparticle: MParticle, sandbox: Sandbox, form: str) -> None:
    sandbox.switches(expected_completion=form)
    report = mparticle.submit(request())
    assert (report.expected_completion_at is None) == (form == "null")
    assert bool(report.expected_completion_raw) == (form != "null")


@pytest.mark.parametrize(
    ("shape", "partners"),
    [("null", None), ("list", 4), ("distribution_status", 4), ("by_domain", 4), ("empty_list", 0)],
)
def test_every_shape_of_the_forwarding(
    mparticle: MParticle, sandbox: Sandbox, shape: str, partners: int | None
) -> None:
    sandbox.switches(extensions_shape=shape)
    sent = request()
    mparticle.submit(sent)
    sandbox.advance(DAY)
    found = mparticle.report(about(sent.request_id)).partners
    assert (None if found is None else len(found)) == partners
    if found:
        assert {one.name: one.status for one in found}["Kochava"] == PartnerStatus.SKIPPED


def test_an_erasure_goes_its_way(mparticle: MParticle, sandbox: Sandbox) -> None:
    sent = request()
    mparticle.submit(sent)
    sandbox.advance(8 * DAY)
    assert mparticle.report(about(sent.request_id)).status == ReportedStatus.IN_PROGRESS
    sandbox.advance(14 * DAY)
    assert mparticle.report(about(sent.request_id)).status == ReportedStatus.COMPLETED


# Cancelling.


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_pending_request_is_cancelled(mparticle: MParticle, sandbox: Sandbox, status: int) -> None:
    sandbox.switches(cancel_status=status)
    sent = request()
    mparticle.submit(sent)
    mparticle.cancel(sent.request_id)
    assert mparticle.report(about(sent.request_id)).status == ReportedStatus.CANCELLED


@pytest.mark.parametrize("status", [400, 409])
def test_a_cancel_can_come_too_late(mparticle: MParticle, sandbox: Sandbox, status: int) -> None:
    sandbox.switches(cancel_late_status=status)
    sent = request()
    mparticle.submit(sent)
    sandbox.advance(8 * DAY)
    with pytest.raises(TooLate):
        mparticle.cancel(sent.request_id)
    assert mparticle.report(about(sent.request_id)).status == ReportedStatus.IN_PROGRESS


def test_an_unknown_request_cannot_be_cancelled(mparticle: MParticle) -> None:
    with pytest.raises(UnknownRequest):
        mparticle.cancel(uuid4())


# Faults: what was lost, and what came of it.


@pytest.mark.parametrize(
    ("fault", "kind", "created"),
    [
        ("reset_before", Unreachable, False),
        ("reset_after", Unreachable, True),
        ("status_500", UnexpectedAnswer, False),
        ("status_502", UnexpectedAnswer, False),
        ("malformed", UnexpectedAnswer, True),
        ("truncated", UnexpectedAnswer, True),
        ("html", UnexpectedAnswer, False),
        ("empty", UnexpectedAnswer, True),
        ("status_429", RateLimited, False),
        ("status_429_no_retry_after", RateLimited, False),
    ],
)
def test_a_lost_answer_is_resolved_by_asking(
    mparticle: MParticle,
    processor: Processor,
    sandbox: Sandbox,
    fault: str,
    kind: type[IntegrationError],
    created: bool,
) -> None:
    sandbox.faults([{"method": "POST", "path": "/v3/requests", "fault": fault}])
    sent = request()
    with pytest.raises(kind) as failure:
        mparticle.submit(sent)
    assert failure.value.retryable
    assert failure.value.outcome_known == (kind is RateLimited)
    assert sandbox.state(str(sent.request_id))["posts"].get(str(sent.request_id), 0) == int(created)
    store().flushdb()  # the pause after a 429
    budget.rebuild(processor, [])
    if created:
        assert mparticle.report(about(sent.request_id)).status == ReportedStatus.PENDING
    else:
        with pytest.raises(UnknownRequest):
            mparticle.report(about(sent.request_id))
        mparticle.submit(sent)


def test_a_429_says_how_long_and_of_what(mparticle: MParticle, sandbox: Sandbox) -> None:
    sandbox.switches(call_window={"limit": 1, "seconds": 60})
    mparticle.submit(request())
    with pytest.raises(RateLimited) as failure:
        mparticle.submit(request())
    assert failure.value.scope == "workspace"
    assert failure.value.retry_after_seconds is not None
    assert failure.value.retry_after_seconds > 0


def test_a_sandbox_that_is_down_is_not_sent(mparticle: MParticle, processor: Processor) -> None:
    processor.base_url = "https://localhost:1/v3"
    with pytest.raises(NotSent):
        mparticle.submit(request())


def test_wrong_credentials(mparticle: MParticle, processor: Processor) -> None:
    processor.credentials = {"workspace_key": "k", "workspace_secret": "s"}
    calls: list[Callable[[], object]] = [
        lambda: mparticle.submit(request()),
        lambda: mparticle.report(about(uuid4())),
        lambda: mparticle.report_group("g"),
        lambda: mparticle.cancel(uuid4()),
    ]
    for call in calls:
        with pytest.raises(Unauthorized) as failure:
            call()
        assert failure.value.key_field == "workspace_key"


# Connection, budget, what it can.


def test_a_good_connection(mparticle: MParticle) -> None:
    checks = mparticle.test_connection()
    assert [(check.name.english, check.works, check.is_set) for check in checks] == [
        ("Workspace key", True, True),
        ("Callback certificate", True, True),
        ("Input key", True, False),
        ("Workspace list", True, False),
    ]
    assert "valid until 20" in checks[1].sentence.english


def test_a_refused_key_is_a_check_that_does_not_work(mparticle: MParticle, processor: Processor) -> None:
    processor.credentials = {"workspace_key": "k", "workspace_secret": "s"}
    key, certificate, *_ = mparticle.test_connection()
    assert (key.works, certificate.works) == (False, True)
    assert "refused the credentials" in key.sentence.english


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        ("expired", "expired"),
        ("wrong_name", "does not name"),
        ("wildcard", "does not name"),
        ("untrusted", "no valid chain"),
        ("rsa1024", "2,048"),
        ("client_auth_only", "The signing certificate is not a server certificate."),
        ("unavailable", "503"),
        ("not_pem", "no PEM"),
    ],
)
def test_a_bad_certificate_is_a_check_that_does_not_work(
    mparticle: MParticle, sandbox: Sandbox, switch: str, said: str
) -> None:
    sandbox.switches(certificate=switch)
    key, certificate, *_ = mparticle.test_connection()
    assert (key.works, certificate.works) == (True, False)
    assert said in certificate.sentence.english


def test_no_connection_is_two_checks_that_do_not_work(mparticle: MParticle, processor: Processor) -> None:
    processor.base_url = "https://localhost:1/v3"
    assert [check.works for check in mparticle.test_connection()][:2] == [False, False]


def test_the_budget_is_the_vendors_unless_the_processor_has_its_own(
    mparticle: MParticle, processor: Processor
) -> None:
    assert mparticle.budget().calls == Limit(100_000, 60)
    processor.limits = ""
    assert mparticle.budget().calls == Limit(1000, 60)
