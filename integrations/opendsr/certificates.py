"""A signing certificate: from the bytes a processor serves to a key to verify with, or a reason why not.

Trust comes from the roots of this machine, never from the bundle. The name is taken from the SAN, exactly:
no wildcard, and no CN.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from dsrportal.sentence import Sentence
from integrations.errors import NotVerified
from integrations.opendsr.signatures import SMALLEST_KEY_BITS
from integrations.trust_roots import extra_roots, pem_blocks, public_roots

# mParticle serves four.
_LONGEST_BUNDLE = 10


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key whose certificate was verified, and the instants between which its whole chain holds."""

    public_key: RSAPublicKey = field(repr=False)
    domain: str
    sha256: str
    pem: bytes = field(repr=False)
    not_before: datetime
    not_after: datetime

    def holds_at(self, at: datetime) -> bool:
        return self.not_before <= at <= self.not_after


def verify_bundle(pem: bytes, *, domain: str, extra_signing_roots: str, at: datetime) -> SigningKey:
    """The key of a PEM bundle (leaf first, then untrusted intermediates) that signs for `domain` at `at`.

    Raises NotVerified with the reason `certificate_unreadable`, `certificate_expired`,
    `certificate_not_yet_valid`, `certificate_wrong_name`, `certificate_weak_key`, `certificate_wrong_use`
    or `certificate_untrusted`.
    """
    leaf, *intermediates = _parse(pem)
    if at > leaf.not_valid_after_utc:
        raise NotVerified(
            "certificate_expired",
            Sentence(
                "The signing certificate expired on %(not_valid_after_utc)s.",
                not_valid_after_utc=f"{leaf.not_valid_after_utc:%Y-%m-%d}",
            ),
        )
    if at < leaf.not_valid_before_utc:
        raise NotVerified(
            "certificate_not_yet_valid",
            Sentence(
                "The signing certificate is valid only from %(not_valid_before_utc)s.",
                not_valid_before_utc=f"{leaf.not_valid_before_utc:%Y-%m-%d}",
            ),
        )
    if domain.lower() not in _names(leaf):
        raise NotVerified(
            "certificate_wrong_name",
            Sentence("The signing certificate does not name %(domain)s.", domain=domain),
        )
    key = _strong_key(leaf)
    _require_server_use(leaf)
    chain = _chain(leaf, intermediates, domain.lower(), extra_signing_roots, at)
    return SigningKey(
        public_key=key,
        domain=domain.lower(),
        sha256=leaf.fingerprint(SHA256()).hex(),
        pem=b"".join(certificate.public_bytes(Encoding.PEM) for certificate in [leaf, *intermediates]),
        not_before=max(certificate.not_valid_before_utc for certificate in chain),
        not_after=min(certificate.not_valid_after_utc for certificate in chain),
    )


def _parse(pem: bytes) -> list[x509.Certificate]:
    blocks = pem_blocks(pem)
    if not 1 <= len(blocks) <= _LONGEST_BUNDLE:
        raise NotVerified("certificate_unreadable", Sentence("The processor provides no PEM certificate."))
    try:
        return [x509.load_pem_x509_certificate(block) for block in blocks]
    except (ValueError, x509.InvalidVersion):
        raise NotVerified(
            "certificate_unreadable", Sentence("The signing certificate cannot be parsed.")
        ) from None


def _names(leaf: x509.Certificate) -> set[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        return set()
    return {name.lower() for name in extension.value.get_values_for_type(x509.DNSName)}


def _strong_key(leaf: x509.Certificate) -> RSAPublicKey:
    """The path validation below takes RSA-1024 leaves, and EC keys, which cannot have made our signatures."""
    try:
        key = leaf.public_key()
    except (ValueError, TypeError):
        key = None
    if isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_KEY_BITS:
        return key
    raise NotVerified(
        "certificate_weak_key",
        Sentence("The signing certificate's key is not an RSA key of at least 2,048 bits."),
    )


def _require_server_use(leaf: x509.Certificate) -> None:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    except (x509.DuplicateExtension, ValueError):
        usage = None
    if usage is None or ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        raise NotVerified(
            "certificate_wrong_use", Sentence("The signing certificate is not a server certificate.")
        )


def _chain(
    leaf: x509.Certificate,
    intermediates: list[x509.Certificate],
    domain: str,
    extra_signing_roots: str,
    at: datetime,
) -> list[x509.Certificate]:
    try:
        verifier = (
            PolicyBuilder()
            .store(_store(extra_signing_roots))
            .time(at)
            .build_server_verifier(x509.DNSName(domain))
        )
        return verifier.verify(leaf, intermediates)
    except (VerificationError, ValueError):
        raise NotVerified(
            "certificate_untrusted", Sentence("The signing certificate has no valid chain to a trusted root.")
        ) from None


@lru_cache(maxsize=32)
def _store(extra_signing_roots: str) -> Store:
    return Store([*public_roots(), *extra_roots(extra_signing_roots)])
