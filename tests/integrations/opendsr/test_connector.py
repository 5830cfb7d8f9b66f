"""A processor that is known by its configuration alone, against the sandbox as one, over real HTTPS."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dsrportal.sentence import Sentence
from integrations import budget
from integrations.connector import Capability
from integrations.errors import (
    AlreadyExists,
    Expired,
    NothingFound,
    NotVerified,
    Rejected,
    Unauthorized,
    UnknownRequest,
    Unsupported,
)
from integrations.models import Processor
from integrations.opendsr import signing_keys
from integrations.opendsr.connector import OpenDsr
from integrations.opendsr.vocabulary import STANDARD_IDENTITIES
from integrations.registry import connector_for
from integrations.types import Draft, Identity, IdentityType, Limit, ReportedStatus, Submission
from tests.builders import about
from tests.integrations.odd_server import OddServer, answer
from tests.integrations.rows import row_of
from tests.integrations.sandbox.receiver import running_receiver
from tests.sandbox import Sandbox, running_sandbox

DAY = 24 * 3600
EMAIL = Identity("email", "ada@example.com")
SECOND_EMAIL = Identity("email", "ada@work.example")
MPID = Identity("mpid", "-77")
PHONE = Identity("mobile_number", "+49 30 1234")


@pytest.fixture(scope="module")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Iterator[Sandbox]:
    sandbox_process.reset()
    signing_keys.forget()
    yield sandbox_process
    signing_keys.forget()


@pytest.fixture
def opendsr(db: None, sandbox: Sandbox) -> OpenDsr:
    """Nothing of mParticle but what was typed: an address, a domain and credentials."""
    workspace = sandbox.workspaces[0]
    made = Processor.objects.create(
        kind="opendsr",
        name="Acme CDP",
        account=workspace["id"],
        credentials={"key": workspace["key"], "secret": workspace["secret"]},
        base_url=f"{sandbox.url}/v3",
        processor_domain="opendsr.mparticle.com",
        extra_tls_roots=sandbox.root_pem,
        extra_signing_roots=sandbox.root_pem,
        limits="100000 calls in 60 s",
    )
    budget.rebuild(made, [])  # it never sent anything
    found = connector_for(made)
    assert isinstance(found, OpenDsr)
    return found


def request(**changes: Any) -> Submission:
    made = Submission(
        request_id=uuid4(),
        request_type="erasure",
        regulation="gdpr",
        submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        identities=(Identity("email", f"{uuid4()}@example.com"),),
    )
    return replace(made, **changes)


def draft(*identities: Identity, **more: Any) -> Draft:
    given: dict[str, Any] = {"request_type": "erasure", "regulation": "gdpr", **more}
    return Draft(identities=identities, **given)


@pytest.mark.parametrize("request_type", ["access", "portability", "erasure"])
def test_a_request_goes_its_way(opendsr: OpenDsr, sandbox: Sandbox, request_type: str) -> None:
    sent = request(request_type=request_type)
    assert opendsr.submit(sent).status == ReportedStatus.PENDING
    with pytest.raises(AlreadyExists):
        opendsr.submit(sent)
    sandbox.advance(22 * DAY)
    report = opendsr.report(about(sent.request_id, request_type))
    assert (report.status, report.account) == (ReportedStatus.COMPLETED, opendsr.processor.account)


def test_a_request_is_cancelled(opendsr: OpenDsr) -> None:
    sent = request()
    opendsr.submit(sent)
    opendsr.cancel(sent.request_id)
    assert opendsr.report(about(sent.request_id)).status == ReportedStatus.CANCELLED
    with pytest.raises(UnknownRequest):
        opendsr.cancel(uuid4())


def test_every_standard_type_arrives_and_no_other_leaves(opendsr: OpenDsr, sandbox: Sandbox) -> None:
    identities = tuple(Identity(kind, "5" if kind == "mpid" else f"{kind}-1") for kind in IdentityType.values)
    [part] = opendsr.split(draft(*identities))
    assert {identity.type for identity in part} == set(STANDARD_IDENTITIES)
    opendsr.submit(request(identities=part))


# What the vendor's extension could hold is left out.


def test_no_extension_is_sent(odd_processor: Processor, odd: OddServer) -> None:
    odd_processor.kind = "opendsr"
    odd_processor.credentials = {"key": "the-key", "secret": "the-secret"}
    sent = request(skip_waiting_period=True, callback_url="https://portal.example/x")
    said = {"subject_request_id": str(sent.request_id), "controller_id": "4302"}
    odd.replies.append(answer(201, json.dumps(said).encode()))
    connector_for(odd_processor).submit(sent)
    assert json.loads(odd.bodies[0]) == {
        "regulation": "gdpr",
        "subject_request_id": str(sent.request_id),
        "subject_request_type": "erasure",
        "submitted_time": "2026-03-01T09:30:00Z",
        "api_version": "3.0",
        "subject_identities": {"email": {"value": sent.identities[0].value, "encoding": "raw"}},
        "status_callback_urls": ["https://portal.example/x"],
    }


@pytest.mark.parametrize(
    ("identities", "requests"),
    [
        ((EMAIL, MPID, PHONE), [(EMAIL,)]),
        ((MPID, EMAIL, SECOND_EMAIL), [(EMAIL,), (SECOND_EMAIL,)]),
        ((MPID, PHONE), []),
    ],
)
def test_a_split_leaves_out_what_it_does_not_take(
    opendsr: OpenDsr, identities: tuple[Identity, ...], requests: list[tuple[Identity, ...]]
) -> None:
    assert opendsr.split(draft(*identities)) == requests


def test_an_account_that_takes_none_of_the_identities_is_skipped(opendsr: OpenDsr) -> None:
    assert str(opendsr.cannot(draft(MPID, PHONE))) == (
        "Acme CDP accepts only the identifier types of OpenDSR itself, and none of them is given."
    )
    assert opendsr.cannot(draft(MPID, EMAIL)) is None
    # That one is missing at all is for whoever opens the case to put right.
    assert opendsr.cannot(draft()) is None
    assert opendsr.check(draft()) == [Sentence("A request needs at least one identifier.")]


def test_what_it_is_not_told_is_a_warning(opendsr: OpenDsr) -> None:
    assert opendsr.warn(draft(EMAIL)) == []
    assert opendsr.warn(draft(EMAIL, PHONE)) == [
        Sentence("Acme CDP does not receive identifiers of types that it does not accept.")
    ]
    assert opendsr.warn(draft(EMAIL, skip_waiting_period=True)) == [
        Sentence("Acme CDP cannot skip its waiting period.")
    ]


def test_what_it_does_not_take_is_not_checked_either(opendsr: OpenDsr) -> None:
    assert opendsr.check(draft(EMAIL, Identity("mpid", "no number"))) == []
    assert len(opendsr.check(draft(EMAIL, Identity("email", " "), regulation="lgpd"))) == 2
    # It has no groups, and so no size of one.
    assert opendsr.check(draft(*(Identity("email", f"a{n}@example.com") for n in range(151)))) == []


def test_what_it_can(opendsr: OpenDsr) -> None:
    assert opendsr.group_size == 0
    assert not {Capability.GROUPS, Capability.SEARCH, Capability.OPT_OUT} & opendsr.capabilities
    for call in (
        lambda: opendsr.report_group("g"),
        lambda: opendsr.search([EMAIL]),
        opendsr.list_workspaces,
    ):
        with pytest.raises(Unsupported):
            call()


# Results.


def finished(opendsr: OpenDsr, sandbox: Sandbox) -> str:
    sent = request(request_type="access")
    opendsr.submit(sent)
    sandbox.advance(8 * DAY)
    return opendsr.report(about(sent.request_id, "access")).results_url


def download(opendsr: OpenDsr, url: str) -> tuple[str, bytes]:
    with opendsr.fetch_result(about(uuid4(), "access"), url, limit_bytes=10_000_000) as result:
        return result.content_type, b"".join(result.chunks)


def test_a_result_is_fetched_from_below_the_address(opendsr: OpenDsr, sandbox: Sandbox) -> None:
    kind, content = download(opendsr, finished(opendsr, sandbox))
    assert kind == "application/zip"
    assert zipfile.is_zipfile(io.BytesIO(content))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/html", b"<h1>Your data</h1>"),
        ("application/json", b"{}"),
        ("application/zip", b"PK"),
        ("", b"x"),
    ],
)
def test_whatever_comes_is_the_result(
    odd_processor: Processor, odd: OddServer, kind: str, content: bytes
) -> None:
    odd_processor.kind = "opendsr"
    odd_processor.credentials = {"key": "the-key", "secret": "the-secret"}
    odd.replies.append(answer(200, content, {"Content-Type": kind}))
    found = connector_for(odd_processor)
    assert isinstance(found, OpenDsr)
    assert download(found, f"{odd.url}/v3/results/1") == (kind, content)
    assert b"Authorization: Basic dGhlLWtleTp0aGUtc2VjcmV0" in odd.requests[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/v3/x",
        "https://static.mparticle.com/x",
        "https://opendsr.mparticle.com/v3/x",
    ],
)
def test_credentials_go_nowhere_else(opendsr: OpenDsr, url: str) -> None:
    with pytest.raises(Rejected, match="The address of the result is not below the API address"):
        download(opendsr, url)


def test_a_result_that_is_not_there(opendsr: OpenDsr, sandbox: Sandbox) -> None:
    url = finished(opendsr, sandbox)
    sandbox.switches(result="nobody")
    with pytest.raises(NothingFound, match="Acme CDP has no record that matches the identifiers"):
        download(opendsr, url)
    sandbox.switches(result="gone")
    with pytest.raises(Expired, match="Acme CDP no longer has the result"):
        download(opendsr, url)
    row_of(opendsr).credentials = {"key": "k", "secret": "s"}
    with pytest.raises(Unauthorized) as failure:
        download(opendsr, url)
    assert failure.value.key_field == "key"


# Callbacks.


def test_a_signed_callback_is_verified(opendsr: OpenDsr, sandbox: Sandbox) -> None:
    sent = request()
    with running_receiver() as receiver:
        opendsr.submit(replace(sent, callback_url=receiver.url))
        sandbox.advance(900)
        [received] = receiver.received
    verified = opendsr.verify_callback(received.headers, received.body)
    assert verified.report is not None
    assert verified.report.request_id == sent.request_id
    with pytest.raises(NotVerified) as failure:
        opendsr.verify_callback(received.headers, received.body + b"\n")
    assert failure.value.reason == "signature_wrong"
    row_of(opendsr).processor_domain = "dsr.acme.example"
    with pytest.raises(NotVerified) as failure:
        opendsr.verify_callback(received.headers, received.body)
    assert failure.value.reason == "wrong_domain"


def test_the_certificate_comes_from_a_host_that_was_named(opendsr: OpenDsr, sandbox: Sandbox) -> None:
    """mParticle's own certificate host is nobody else's."""
    sandbox.switches(discovery_certificate_url="https://static.mparticle.com/dsr/opendsr_cert.pem")
    assert "not https on an allowed host" in opendsr.test_connection()[1].sentence.english
    row_of(opendsr).certificate_hosts = ["certificates.acme.example"]
    sandbox.switches(discovery_certificate_url="https://certificates.acme.example/cert.pem")
    assert "cannot be resolved" in opendsr.test_connection()[1].sentence.english


# The account.


def test_the_connection_is_tried(opendsr: OpenDsr) -> None:
    checks = opendsr.test_connection()
    assert [(check.name.english, check.works, check.key_field) for check in checks] == [
        ("Key", True, "key"),
        ("Callback certificate", True, ""),
    ]
    assert checks[0].sentence.english == "Acme CDP accepts the key and secret."
    row_of(opendsr).credentials = {"key": "k", "secret": "s"}
    key = opendsr.test_connection()[0]
    assert (key.works, key.key_field) == (False, "key")
    assert key.sentence.english == (
        "Acme CDP refused the credentials for data subject requests. Check the key and its secret."
    )


def test_an_address_must_have_been_typed(opendsr: OpenDsr) -> None:
    row_of(opendsr).base_url = ""
    assert opendsr.processor.api_address == ""
    with pytest.raises(Rejected):
        opendsr.submit(request())
    assert [check.works for check in opendsr.test_connection()] == [False, False]


def test_limits_are_cautious_until_some_are_typed(opendsr: OpenDsr) -> None:
    assert opendsr.budget().calls == Limit(100_000, 60)
    row_of(opendsr).limits = ""
    assert opendsr.budget().calls == Limit(300, 60)
    assert opendsr.budget().new_requests == ()


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("", 30),
        ("45", 45),
        (" 7 ", 7),
        ("0", 30),
        ("soon", 30),
        ("1000", 30),
        ("-3", 30),
        ("3.5", 30),
        ("٣", 30),
    ],
)
def test_how_long_it_takes_is_what_was_typed(opendsr: OpenDsr, typed: str, days: int) -> None:
    row_of(opendsr).options = {"erasure_days": typed, "access_days": "10"}
    assert opendsr.longest("erasure", skip_waiting_period=True) == timedelta(days=days)
    for request_type in ("access", "portability"):
        assert opendsr.longest(request_type, skip_waiting_period=False) == timedelta(days=10)
