"""A throwaway certificate authority, kept in the data directory so that trust survives a restart."""

from __future__ import annotations

import ipaddress
import os
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PROCESSOR_DOMAIN = "opendsr.mparticle.com"
# The names on the certificate mParticle served in 2025.
PROCESSOR_NAMES = (PROCESSOR_DOMAIN, "www.opendsr.mparticle.com", "opengdpr.mparticle.com")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_LEAF_DAYS = 397
_AUTHORITY_DAYS = 3650
_RENEW_DAYS = 30
_SERVER_AND_CLIENT = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Signer:
    """The key that signs, and what is served as its certificate file (None: not obtainable)."""

    key: rsa.RSAPrivateKey
    bundle: bytes | None


def issue(
    *,
    common_name: str,
    key: PrivateKey,
    issuer: Issued | None,
    names: Sequence[str] = (),
    authority_depth: int | None = None,
    usages: Sequence[x509.ObjectIdentifier] = _SERVER_AND_CLIENT,
    starts: timedelta = timedelta(days=-1),
    ends: timedelta = timedelta(days=_LEAF_DAYS),
) -> Issued:
    """Make one certificate. `authority_depth` None means a leaf; `issuer` None means self-signed.

    RFC 5280 4.2: the authority key identifier is always present (path validation in `cryptography` refuses a
    chain without it), and the alternative names are not critical beside a subject that is not empty.
    """
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "OpenDSR sandbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    is_authority = authority_depth is not None
    signing_key = issuer.key if issuer else key
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=authority_depth), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=not is_authority and isinstance(key, rsa.RSAPrivateKey),
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=is_authority,
                crl_sign=is_authority,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
    return Issued(certificate=builder.sign(signing_key, hashes.SHA256()), key=key)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """Root, intermediate, our own HTTPS certificate, and the signing certificate with its bad twins."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._lock = threading.Lock()
        self._signers: dict[str, Signer] = {}
        self.root_path = directory / "root.pem"
        self._root = self._kept("root", None) or self._keep("root", _new_root())
        self._intermediate = self._kept("intermediate", self._root) or self._keep(
            "intermediate", _new_intermediate(self._root)
        )
        self._tls = self._kept("tls", self._intermediate) or self._keep("tls", self._new_tls())
        self._signing = self._kept("signing", self._intermediate) or self._keep(
            "signing", self._processor_leaf(_rsa_key())
        )
        self.other_key = _rsa_key()

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        chain = self._directory / "tls-chain.pem"
        chain.write_bytes(self._tls.pem + self._intermediate.pem)
        context.load_cert_chain(chain, self._directory / "tls.key")
        return context

    def signer(self, kind: str) -> Signer:
        """The signer of a `certificate` switch position, made when first asked for."""
        with self._lock:
            if kind not in self._signers:
                self._signers[kind] = self._make_signer(kind)
            return self._signers[kind]

    def rotate(self) -> None:
        """A fresh key and leaf for the position `rotated`; whoever asks next signs with it."""
        signer = self._make_signer("rotated")
        with self._lock:
            self._signers["rotated"] = signer

    def _make_signer(self, kind: str) -> Signer:
        key = self._signing.key
        assert isinstance(key, rsa.RSAPrivateKey)
        tail = self._intermediate.pem + self._root.pem
        if kind == "unavailable":
            return Signer(key, None)
        if kind == "not_pem":
            return Signer(key, b"<!doctype html><title>Sign in</title><p>This is no certificate.</p>")
        if kind == "expired":
            leaf = self._processor_leaf(key, starts=timedelta(days=-_LEAF_DAYS), ends=timedelta(days=-1))
        elif kind == "wrong_name":
            # The common name still says mParticle: a client that looks there instead of at the SAN is fooled.
            leaf = self._processor_leaf(key, names=("opendsr.example.com",))
        elif kind == "wildcard":
            leaf = self._processor_leaf(key, names=("*.mparticle.com",))
        elif kind == "client_auth_only":
            leaf = self._processor_leaf(key, usages=(ExtendedKeyUsageOID.CLIENT_AUTH,))
        elif kind == "rsa1024":
            weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (on purpose)
            return Signer(weak, self._processor_leaf(weak).pem + tail)
        elif kind == "rotated":
            fresh = _rsa_key()
            return Signer(fresh, self._processor_leaf(fresh).pem + tail)
        elif kind == "untrusted":
            # Another authority under the very same names.
            root = _new_root()
            intermediate = _new_intermediate(root)
            leaf = self._processor_leaf(key, issuer=intermediate)
            return Signer(key, leaf.pem + intermediate.pem + root.pem)
        else:
            leaf = self._signing
        return Signer(key, leaf.pem + tail)

    def _processor_leaf(
        self,
        key: rsa.RSAPrivateKey,
        *,
        issuer: Issued | None = None,
        names: Sequence[str] = PROCESSOR_NAMES,
        usages: Sequence[x509.ObjectIdentifier] = _SERVER_AND_CLIENT,
        starts: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=_LEAF_DAYS),
    ) -> Issued:
        return issue(
            common_name=PROCESSOR_DOMAIN,
            key=key,
            issuer=issuer or self._intermediate,
            names=names,
            usages=usages,
            starts=starts,
            ends=ends,
        )

    def _new_tls(self) -> Issued:
        return issue(
            common_name="localhost",
            key=ec.generate_private_key(ec.SECP256R1()),
            issuer=self._intermediate,
            names=("localhost", "127.0.0.1"),
            usages=(ExtendedKeyUsageOID.SERVER_AUTH,),
        )

    def _kept(self, name: str, issuer: Issued | None) -> Issued | None:
        """What an earlier run left, unless it is about to expire or its issuer is another by now."""
        try:
            certificate = x509.load_pem_x509_certificate((self._directory / f"{name}.pem").read_bytes())
            key = serialization.load_pem_private_key(
                (self._directory / f"{name}.key").read_bytes(), password=None
            )
        except (OSError, ValueError):
            return None
        if certificate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=_RENEW_DAYS):
            return None
        try:
            certificate.verify_directly_issued_by(issuer.certificate if issuer else certificate)
        except (ValueError, TypeError, InvalidSignature):
            return None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            return None
        return Issued(certificate=certificate, key=key)

    def _keep(self, name: str, issued: Issued) -> Issued:
        private = issued.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(self._directory / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)
        (self._directory / f"{name}.pem").write_bytes(issued.pem)
        return issued


def _rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _new_root() -> Issued:
    return issue(
        common_name="Sandbox Root",
        key=ec.generate_private_key(ec.SECP256R1()),
        issuer=None,
        authority_depth=1,
        ends=timedelta(days=_AUTHORITY_DAYS),
    )


def _new_intermediate(root: Issued) -> Issued:
    return issue(
        common_name="Sandbox Secure CA",
        key=ec.generate_private_key(ec.SECP256R1()),
        issuer=root,
        authority_depth=0,
        ends=timedelta(days=_AUTHORITY_DAYS - 1),
    )
