"""Which certificates may sign, and why the others may not."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from integrations.errors import NotVerified
from integrations.opendsr.certificates import verify_bundle
from integrations.trust_roots import pem_blocks, public_roots
from tests.authority import CLIENT_ONLY, Authority, Issued, rsa_key

DOMAIN = "opendsr.mparticle.com"
NOW = datetime.now(UTC).replace(microsecond=0)
CA = Authority()
GOOD = CA.leaf(DOMAIN, f"www.{DOMAIN}")


def reason(pem: bytes, *, roots: str = CA.root_pem, at: datetime = NOW, domain: str = DOMAIN) -> str:
    with pytest.raises(NotVerified) as refusal:
        verify_bundle(pem, domain=domain, extra_signing_roots=roots, at=at)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("leaf", "pem"),
    [
        (GOOD, CA.bundle(GOOD)),
        (GOOD, GOOD.pem + CA.intermediate.pem),
        (GOOD, b"Bag Attributes\n" + GOOD.pem + b"subject=x\n" + CA.intermediate.pem + b"\n\n"),
        (leaf := CA.leaf(DOMAIN, usages=()), CA.bundle(leaf)),
        (leaf := CA.leaf(DOMAIN.upper()), CA.bundle(leaf)),
        (leaf := CA.leaf(DOMAIN, key=rsa_key(4096)), CA.bundle(leaf)),
        (leaf := CA.leaf(f"*.{DOMAIN}", DOMAIN), CA.bundle(leaf)),
    ],
    ids=["bundle", "without_root", "with_text", "no_eku", "upper_case", "rsa4096", "wildcard_and_exact"],
)
def test_a_certificate_that_may_sign(leaf: Issued, pem: bytes) -> None:
    key = verify_bundle(pem, domain=DOMAIN, extra_signing_roots=CA.root_pem, at=NOW)
    assert key.sha256 == leaf.sha256
    assert key.public_key.public_numbers() == leaf.certificate.public_key().public_numbers()  # type: ignore[union-attr]
    assert (key.not_before, key.not_after) == (
        leaf.certificate.not_valid_before_utc,
        leaf.certificate.not_valid_after_utc,
    )
    assert pem_blocks(key.pem)[0] == leaf.pem
    assert key.holds_at(NOW)
    assert not key.holds_at(key.not_after + timedelta(seconds=1))
    assert not key.holds_at(key.not_before - timedelta(seconds=1))


def test_the_domain_is_compared_without_case() -> None:
    assert verify_bundle(CA.bundle(GOOD), domain=DOMAIN.upper(), extra_signing_roots=CA.root_pem, at=NOW)


def test_a_key_holds_no_longer_than_the_shortest_of_its_chain() -> None:
    long = CA.leaf(DOMAIN, not_after=NOW + timedelta(days=36500))
    key = verify_bundle(CA.bundle(long), domain=DOMAIN, extra_signing_roots=CA.root_pem, at=NOW)
    assert key.not_after == min(
        CA.root.certificate.not_valid_after_utc, CA.intermediate.certificate.not_valid_after_utc
    )


DAY = timedelta(days=1)
EXPIRED = CA.leaf(DOMAIN, not_before=NOW - 9 * DAY, not_after=NOW - DAY)
OTHER = Authority()


def forged() -> bytes:
    """An intermediate of the same name, made by someone else."""
    fake = Authority()
    return fake.leaf(DOMAIN).pem + fake.intermediate.pem + CA.intermediate.pem


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (CA.bundle(EXPIRED), "certificate_expired"),
        (
            CA.bundle(CA.leaf(DOMAIN, not_before=NOW + DAY, not_after=NOW + 9 * DAY)),
            "certificate_not_yet_valid",
        ),
        (CA.bundle(CA.leaf("opendsr.example.com")), "certificate_wrong_name"),
        (CA.bundle(CA.leaf(f"www.{DOMAIN}")), "certificate_wrong_name"),
        (CA.bundle(CA.leaf("mparticle.com")), "certificate_wrong_name"),
        (CA.bundle(CA.leaf("*.mparticle.com")), "certificate_wrong_name"),
        (CA.bundle(CA.leaf(f"{DOMAIN}.evil.example")), "certificate_wrong_name"),
        (CA.bundle(CA.leaf("127.0.0.1")), "certificate_wrong_name"),
        (CA.bundle(CA.leaf(common_name=DOMAIN)), "certificate_wrong_name"),
        (CA.bundle(CA.leaf(DOMAIN, key=rsa_key(1024))), "certificate_weak_key"),
        (CA.bundle(CA.leaf(DOMAIN, key=ec.generate_private_key(ec.SECP256R1()))), "certificate_weak_key"),
        (CA.bundle(CA.leaf(DOMAIN, usages=CLIENT_ONLY)), "certificate_wrong_use"),
        (GOOD.pem, "certificate_untrusted"),
        (CA.intermediate.pem + GOOD.pem, "certificate_wrong_name"),
        (OTHER.bundle(OTHER.leaf(DOMAIN)), "certificate_untrusted"),
        (forged(), "certificate_untrusted"),
        (CA.leaf(DOMAIN, self_signed=True).pem, "certificate_untrusted"),
        (CA.leaf(DOMAIN, self_signed=True).pem + CA.intermediate.pem, "certificate_untrusted"),
        (b"", "certificate_unreadable"),
        (b"<html>not found</html>", "certificate_unreadable"),
        (GOOD.pem.replace(b"END CERTIFICATE", b""), "certificate_unreadable"),
        (GOOD.pem[:400] + b"\n-----END CERTIFICATE-----\n", "certificate_unreadable"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate_unreadable"),
        (
            CA.bundle(GOOD) + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "certificate_unreadable",
        ),
        (GOOD.pem * 11, "certificate_unreadable"),
    ],
)
def test_a_certificate_that_may_not_sign(pem: bytes, why: str) -> None:
    assert reason(pem) == why


def test_time_is_the_time_asked_about() -> None:
    key = verify_bundle(CA.bundle(EXPIRED), domain=DOMAIN, extra_signing_roots=CA.root_pem, at=NOW - 2 * DAY)
    assert not key.holds_at(NOW)
    assert reason(CA.bundle(GOOD), at=NOW + 91 * DAY) == "certificate_expired"
    assert reason(CA.bundle(GOOD), at=NOW - 2 * DAY) == "certificate_not_yet_valid"


def test_trust_comes_from_the_roots_and_not_from_the_bundle() -> None:
    assert reason(CA.bundle(GOOD), roots="") == "certificate_untrusted"
    assert reason(CA.bundle(GOOD), roots=OTHER.root_pem) == "certificate_untrusted"


def test_the_public_roots_are_many_and_one_that_does_not_parse_would_not_stop_them() -> None:
    assert len(public_roots()) > 50


def test_a_private_key_in_the_bundle_is_not_kept() -> None:
    pem = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n" + CA.bundle(GOOD)
    key = verify_bundle(pem, domain=DOMAIN, extra_signing_roots=CA.root_pem, at=NOW)
    assert b"PRIVATE" not in key.pem
