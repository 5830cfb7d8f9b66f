"""The certificate that should prove a callback: not valid is a refusal, not obtainable is "try again"."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from cases.models import ProcessorRequest
from tests.authority import CLIENT_ONLY, Authority, Issued, rsa_key
from tests.cases.vendor import Gate, refusals, signature, snapshot


@pytest.fixture(scope="module")
def request_(gate: Gate) -> ProcessorRequest:
    """A queued request, which any of these callbacks would complete if it were believed."""
    return gate.request()


def _expired(authority: Authority, domain: str) -> Issued:
    now = datetime.now(UTC)
    return authority.leaf(domain, not_before=now - timedelta(days=20), not_after=now - timedelta(minutes=1))


def _early(authority: Authority, domain: str) -> Issued:
    now = datetime.now(UTC)
    return authority.leaf(domain, not_before=now + timedelta(hours=1), not_after=now + timedelta(days=20))


CERTIFICATES: dict[str, tuple[str, Callable[[Authority, str], Issued]]] = {
    "expired": ("certificate_expired", _expired),
    "early": ("certificate_not_yet_valid", _early),
    "other-name": ("certificate_wrong_name", lambda ca, it: ca.leaf("opendsr.example.com", common_name=it)),
    "wildcard": ("certificate_wrong_name", lambda ca, it: ca.leaf("*." + it.partition(".")[2])),
    "no-san": ("certificate_wrong_name", lambda ca, it: ca.leaf(common_name=it)),
    "self-signed": ("certificate_untrusted", lambda ca, it: ca.leaf(it, self_signed=True)),
    "untrusted": ("certificate_untrusted", lambda _, it: Authority("Vendor").leaf(it)),
    "rsa-1024": ("certificate_weak_key", lambda ca, it: ca.leaf(it, key=rsa_key(1024))),
    "elliptic": (
        "certificate_weak_key",
        lambda ca, it: ca.leaf(it, key=ec.generate_private_key(ec.SECP256R1())),
    ),
    "client-only": ("certificate_wrong_use", lambda ca, it: ca.leaf(it, usages=CLIENT_ONLY)),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_does_not_hold_proves_nothing(
    gate: Gate, request_: ProcessorRequest, name: str
) -> None:
    reason, issue = CERTIFICATES[name]
    domain = f"{name}.vendor.example"
    leaf = issue(gate.vendor.authority, domain)
    crooked = gate.vendor.processor(name, leaf=leaf, processor_domain=domain)
    signer = leaf if isinstance(leaf.key, RSAPrivateKey) else gate.vendor.leaf
    before = snapshot()
    answer = gate.post(gate.body(request_), to=crooked, sign=lambda body: signature(body, signer))
    assert answer.status == 401
    assert snapshot() == before
    assert refusals() == {reason: 1}


def test_a_file_that_is_no_certificate_proves_nothing(gate: Gate, request_: ProcessorRequest) -> None:
    gate.vendor.served["not-pem"] = b"<!doctype html><title>Sign in</title>"
    crooked = gate.vendor.processor("not-pem", processor_domain="not-pem.vendor.example")
    before = snapshot()
    assert gate.post(gate.body(request_), to=crooked).status == 401
    assert snapshot() == before
    assert refusals() == {"certificate_unreadable": 1}


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("missing", ""),
        ("elsewhere", "https://certificates.example/leaf.pem"),
        ("look-alike", "https://localhost.example/leaf.pem"),
        ("in-clear", "http://localhost/leaf.pem"),
        ("with-user", "https://localhost@certificates.example/leaf.pem"),
    ],
)
def test_a_certificate_that_cannot_be_had_asks_the_vendor_to_try_again(
    gate: Gate, request_: ProcessorRequest, name: str, address: str
) -> None:
    if address:
        gate.vendor.named[name] = address
    crooked = gate.vendor.processor(name, processor_domain=f"{name}.vendor.example")
    before = snapshot()
    assert gate.post(gate.body(request_), to=crooked).status == 503
    assert snapshot() == before
    assert refusals() == {"certificate_unavailable": 1}


def test_nobody_home_at_the_vendor_asks_it_to_try_again(gate: Gate, request_: ProcessorRequest) -> None:
    gone = gate.vendor.processor("gone", processor_domain="gone.example", base_url="https://localhost:1/v3")
    before = snapshot()
    assert gate.post(gate.body(request_), to=gone).status == 503
    assert snapshot() == before
