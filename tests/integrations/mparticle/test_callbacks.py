"""Callbacks that the sandbox signs, verified under the certificate that its discovery leads to."""

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine

from integrations.errors import CertificateUnavailable, NotVerified
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.opendsr import signing_keys
from integrations.types import Identity, ReportedStatus, Submission, VerifiedCallback
from tests.sandbox import Sandbox

Delivery = tuple[dict[str, str], bytes]


class Mailbox(http.server.ThreadingHTTPServer):
    """Takes what is delivered, as it is."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.deliveries: list[Delivery] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/callbacks"


class _Receiver(http.server.BaseHTTPRequestHandler):
    server: Mailbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.deliveries.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    server = Mailbox()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def delivered(sandbox: Sandbox, mailbox: Mailbox, *, sign: str = "good") -> Delivery:
    body = {"subject_request_id": str(uuid4()), "request_status": "completed", "controller_id": "4302"}
    answer = sandbox.callback(mailbox.url, body, sign=sign, chunked=False)
    assert answer.get("status") == 202
    return mailbox.deliveries[-1]


def verdict(mparticle: MParticle, delivery: Delivery) -> VerifiedCallback:
    return mparticle.verify_callback(*delivery)


def discoveries(sandbox: Sandbox) -> int:
    return sum(count for call, count in sandbox.state()["calls"].items() if "discovery" in str(call))


def test_every_change_of_a_request_is_delivered_and_verified(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox, processor: Processor
) -> None:
    sandbox.switches(chunked=False)
    sent = Submission(
        request_id=uuid4(),
        request_type="access",
        regulation="gdpr",
        submitted_at=datetime.now(UTC),
        identities=(Identity("email", "ada@example.com"),),
        skip_waiting_period=False,
        group_id="",
        callback_url=mailbox.url,
    )
    mparticle.submit(sent)
    sandbox.advance(8 * 24 * 3600)
    verdicts = [verdict(mparticle, delivery) for delivery in mailbox.deliveries]
    reports = [found.report for found in verdicts if found.report]
    assert [report.status for report in reports] == [
        ReportedStatus.PENDING,
        ReportedStatus.IN_PROGRESS,
        ReportedStatus.COMPLETED,
    ]
    assert {(report.request_id, report.account) for report in reports} == {
        (sent.request_id, processor.account)
    }
    assert {found.callback_url for found in verdicts} == {mailbox.url}
    assert reports[-1].results_url
    assert discoveries(sandbox) == 1


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        ("tampered", "signature_wrong"),
        ("pss", "signature_wrong"),
        ("other_key", "signature_wrong"),
        ("missing", "no_signature"),
    ],
)
def test_a_bad_signature_is_refused(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox, sign: str, reason: str
) -> None:
    with pytest.raises(NotVerified) as refusal:
        verdict(mparticle, delivered(sandbox, mailbox, sign=sign))
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ("expired", "certificate_expired"),
        ("wrong_name", "certificate_wrong_name"),
        ("wildcard", "certificate_wrong_name"),
        ("untrusted", "certificate_untrusted"),
        ("rsa1024", "certificate_weak_key"),
        ("client_auth_only", "certificate_wrong_use"),
        ("not_pem", "certificate_unreadable"),
    ],
)
def test_a_signature_under_a_bad_certificate_is_refused(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox, certificate: str, reason: str
) -> None:
    sandbox.switches(certificate=certificate)
    with pytest.raises(NotVerified) as refusal:
        verdict(mparticle, delivered(sandbox, mailbox))
    assert refusal.value.reason == reason


def test_a_certificate_that_cannot_be_had(mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.switches(certificate="unavailable")
    delivery = delivered(sandbox, mailbox)
    with pytest.raises(CertificateUnavailable):
        verdict(mparticle, delivery)
    sandbox.switches(certificate="good")
    signing_keys.forget()
    assert verdict(mparticle, delivery).report is not None


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost/cert.pem",
        "https://evil.example/opendsr_cert.pem",
        "https://static.mparticle.com.evil.example/cert.pem",
        "https://static.mparticle.com@evil.example/cert.pem",
        "https://static.mparticle.com:8443/cert.pem",
        "https://localhost/cert.pem",
        "file:///etc/ssl/certs/ca-certificates.crt",
    ],
)
def test_a_certificate_is_fetched_from_expected_hosts_only(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox, address: str
) -> None:
    sandbox.switches(discovery_certificate_url=address)
    with pytest.raises(CertificateUnavailable, match="not https on an allowed host"):
        verdict(mparticle, delivered(sandbox, mailbox))


@pytest.mark.parametrize(
    ("address", "hosts", "allowed"),
    [
        ("https://static.mparticle.com/dsr/opendsr_cert.pem", [], True),
        ("https://opendsr.mparticle.com/cert.pem", [], True),
        ("https://certs.example.com/cert.pem", [], False),
        ("https://certs.example.com/cert.pem", ["certs.example.com"], True),
        ("https://certs.example.com:8443/cert.pem", ["certs.example.com"], False),
        ("https://certs.example.com:8443/cert.pem", ["certs.example.com:8443"], True),
    ],
)
def test_the_hosts_that_may_serve_a_certificate(address: str, hosts: list[str], allowed: bool) -> None:
    processor = Processor(data_key_id=uuid4(), kind="mparticle", certificate_hosts=hosts)
    assert MParticle(processor)._may_serve_certificate(address) is allowed


def test_a_key_changed_early_is_found_by_itself(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox
) -> None:
    first = verdict(mparticle, delivered(sandbox, mailbox))
    sandbox.switches(certificate="rotated")
    second = verdict(mparticle, delivered(sandbox, mailbox))
    assert second.certificate_sha256 != first.certificate_sha256
    assert discoveries(sandbox) == 2


def test_junk_does_not_hammer_discovery_or_cost_the_good_their_key(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox
) -> None:
    good = delivered(sandbox, mailbox)
    verdict(mparticle, good)
    junk = delivered(sandbox, mailbox, sign="other_key")
    for _ in range(50):
        with pytest.raises(NotVerified):
            verdict(mparticle, junk)
        assert verdict(mparticle, good).report is not None
    assert discoveries(sandbox) == 2


def test_callbacks_need_no_call_budget(
    mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox, processor: Processor
) -> None:
    processor.limits = "1 calls in 60 s"
    mparticle.report_group("g")
    assert verdict(mparticle, delivered(sandbox, mailbox)).report is not None


def test_a_certificate_is_not_good_for_ever(mparticle: MParticle, sandbox: Sandbox, mailbox: Mailbox) -> None:
    delivery = delivered(sandbox, mailbox)
    verdict(mparticle, delivery)
    with (
        time_machine.travel(datetime(2040, 1, 1, tzinfo=UTC)),
        pytest.raises((NotVerified, CertificateUnavailable)),
    ):
        verdict(mparticle, delivery)
