"""Bytes in, verdict out."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from dsrportal.sentence import Sentence
from integrations.errors import CertificateUnavailable, NotSent, NotVerified
from integrations.models import Processor
from integrations.opendsr.callbacks import verify_callback
from integrations.types import ReportedStatus, VerifiedCallback
from tests.authority import Authority, Issued, rsa_key
from tests.integrations.opendsr.conftest import DOMAIN
from tests.integrations.opendsr.test_signing_keys import Source

NOW = datetime.now(UTC)
ID = "475974fa-6b42-4370-bb56-b5d845686bb5"
# In the fields and the order of a recorded one.
CALLBACK: dict[str, Any] = {
    "controller_id": "4302",
    "expected_completion_time": "2025-06-09T00:00:00Z",
    "status_callback_url": "https://portal.example/opendsr/callbacks/k3yR",
    "subject_request_id": ID,
    "request_status": "completed",
    "results_url": None,
    "extensions": None,
}


@pytest.fixture
def source(authority: Authority) -> Source:
    return Source(authority)


def raw(**changes: Any) -> bytes:
    return json.dumps({**CALLBACK, **changes}, separators=(",", ":")).encode()


def headers(signer: Issued, body: bytes, **changes: str | None) -> dict[str, str]:
    made = {
        "x-opendsr-processor-domain": DOMAIN,
        "x-opendsr-signature": base64.b64encode(signer.sign(body)).decode(),
    }
    given: dict[str, str | None] = {
        **made,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return {name: value for name, value in given.items() if value is not None}


def verdict(processor: Processor, source: Source, body: bytes, **changes: str | None) -> VerifiedCallback:
    return verify_callback(processor, headers(source.leaf, body, **changes), body, fetch=source, at=NOW)


def test_a_signed_callback(signed_by: Processor, source: Source) -> None:
    found = verdict(signed_by, source, raw())
    assert found.problem == ""
    assert found.report is not None
    assert found.report.request_id == UUID(ID)
    assert found.report.status == ReportedStatus.COMPLETED
    assert found.report.account == "4302"
    assert found.callback_url == "https://portal.example/opendsr/callbacks/k3yR"
    assert found.certificate_sha256 == source.leaf.sha256
    assert found.certificate_pem == source.authority.bundle(source.leaf)


def test_forwarding_and_a_result(signed_by: Processor, source: Source) -> None:
    partner = {"domain": "braze.com", "name": "Braze", "status": "failed", "status_message": "key"}
    body = raw(
        extensions={DOMAIN: {"distribution_status": [partner]}},
        results_url="https://opendsr.mparticle.com/v3/results/1",
    )
    report = verdict(signed_by, source, body).report
    assert report is not None
    assert report.partners is not None
    assert [one.name for one in report.partners] == ["Braze"]
    assert report.results_url == "https://opendsr.mparticle.com/v3/results/1"


def test_an_unknown_status_is_verified_and_kept_raw(signed_by: Processor, source: Source) -> None:
    found = verdict(signed_by, source, raw(request_status="exploded"))
    assert found.report is not None
    assert (found.report.status, found.report.raw_status) == (ReportedStatus.UNRECOGNISED, "exploded")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"not json", "not_json"),
        (raw()[:-1], "not_json"),
        (b"[" + raw() + b"]", "not_an_object"),
        (b'"' + ID.encode() + b'"', "not_an_object"),
        (raw()[:-1] + b',"request_status":"pending"}', "duplicate_key"),
        (raw()[:-1] + b',"x":NaN}', "not_a_number"),
        (raw(request_status="x\0"), "unstorable_text"),
        (raw(subject_request_id="42"), "no_request_id"),
        (raw(subject_request_id=None), "no_request_id"),
        (raw(request_status=None), "no_status"),
        (raw(controller_id={}), "controller_id"),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_verified_with_a_problem(
    signed_by: Processor, source: Source, body: bytes, problem: str
) -> None:
    found = verdict(signed_by, source, body)
    assert (found.report, found.problem) == (None, problem)
    assert found.certificate_sha256 == source.leaf.sha256


def test_the_callback_address_is_read_even_if_the_report_is_not(signed_by: Processor, source: Source) -> None:
    assert (
        verdict(signed_by, source, raw(request_status=None)).callback_url == CALLBACK["status_callback_url"]
    )
    assert verdict(signed_by, source, raw(status_callback_url=None)).callback_url == ""
    assert verdict(signed_by, source, raw(status_callback_url=[1])).callback_url == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x_opendsr_processor_domain": None}, "no_domain"),
        ({"x_opendsr_processor_domain": " "}, "no_domain"),
        ({"x_opendsr_processor_domain": "opendsr.example.com"}, "wrong_domain"),
        ({"x_opendsr_processor_domain": f"{DOMAIN}.evil.example"}, "wrong_domain"),
        ({"x_opendsr_processor_domain": f"https://{DOMAIN}"}, "wrong_domain"),
        ({"x_opendsr_processor_domain": f"{DOMAIN},evil.example"}, "wrong_domain"),
        ({"x_opendsr_signature": None}, "no_signature"),
        ({"x_opendsr_signature": "  "}, "no_signature"),
    ],
)
def test_what_needs_no_certificate_to_be_refused_fetches_none(
    signed_by: Processor, source: Source, changes: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(NotVerified) as refusal:
        verdict(signed_by, source, raw(), **changes)
    assert refusal.value.reason == reason
    assert source.calls == 0


@pytest.mark.parametrize("domain", [DOMAIN.upper(), f" {DOMAIN} "])
def test_the_domain_is_compared_without_case_or_blanks(
    signed_by: Processor, source: Source, domain: str
) -> None:
    assert verdict(signed_by, source, raw(), x_opendsr_processor_domain=domain).report is not None


def test_other_bytes_than_the_signed_ones_are_refused(signed_by: Processor, source: Source) -> None:
    body = raw()
    sent = headers(source.leaf, body)
    for other in (body + b"\n", body.replace(b":", b": ", 1), raw(request_status="pending"), b""):
        with pytest.raises(NotVerified) as refusal:
            verify_callback(signed_by, sent, other, fetch=source, at=NOW)
        assert refusal.value.reason == "signature_wrong"
    assert source.calls == 2  # the first, and one look for a newer one
    assert verify_callback(signed_by, sent, body, fetch=source, at=NOW).report is not None


def test_a_header_that_is_no_signature_looks_for_no_newer_key(signed_by: Processor, source: Source) -> None:
    with pytest.raises(NotVerified) as refusal:
        verdict(signed_by, source, raw(), x_opendsr_signature="%%%")
    assert refusal.value.reason == "signature_unreadable"
    assert source.calls == 1


def test_a_callback_under_a_key_changed_early_is_verified_with_the_new_one(
    signed_by: Processor, source: Source
) -> None:
    old = source.leaf
    verdict(signed_by, source, raw())
    source.rotate()
    found = verdict(signed_by, source, raw())
    assert found.certificate_sha256 == source.leaf.sha256
    # What the old key signs is no longer believed: it may have been changed for a reason.
    body = raw()
    with pytest.raises(NotVerified):
        verify_callback(signed_by, headers(old, body), body, fetch=source, at=NOW)


def test_a_signer_whose_certificate_is_not_the_processors_is_refused(
    signed_by: Processor, source: Source
) -> None:
    stranger = Authority().leaf(DOMAIN, key=rsa_key(2048, 9))
    body = raw()
    with pytest.raises(NotVerified) as refusal:
        verify_callback(signed_by, headers(stranger, body), body, fetch=source, at=NOW)
    assert refusal.value.reason == "signature_wrong"


def test_a_certificate_that_cannot_be_had_is_another_matter_than_a_bad_one(
    signed_by: Processor, source: Source
) -> None:
    source.down = True
    with pytest.raises(CertificateUnavailable):
        verdict(signed_by, source, raw())


def test_nothing_is_parsed_before_it_is_verified(signed_by: Processor, source: Source) -> None:
    def down() -> bytes:
        raise NotSent(Sentence("No connection."))

    with pytest.raises(CertificateUnavailable):
        verify_callback(signed_by, headers(source.leaf, b"[" * 100_000), b"[" * 100_000, fetch=down, at=NOW)


def test_a_verdict_shows_no_certificate_in_its_repr(signed_by: Processor, source: Source) -> None:
    assert "BEGIN CERTIFICATE" not in repr(verdict(signed_by, source, raw()))
