"""A throwaway certificate authority: a root, an intermediate, and leaves that are right or wrong on purpose.

Extensions are as public authorities write them, above all the authority key identifier: path validation refuses a
chain without it, and with it every chain that ready-made test authorities give out.
"""

import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

SERVER_AND_CLIENT = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
CLIENT_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """Made once a run: RSA keys are slow to make. `number` asks for another of the same size."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@dataclass(frozen=True)
class Issued:
    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(SHA256()).hex()

    def sign(self, body: bytes, padding: AsymmetricPadding | None = None) -> bytes:
        assert isinstance(self.key, rsa.RSAPrivateKey)
        return self.key.sign(body, padding or PKCS1v15(), SHA256())


class Authority:
    """A root and an intermediate; `leaf` issues under the intermediate, `bundle` is what a processor serves."""

    def __init__(self, name: str = "Test authority") -> None:
        self.root = _issue(f"{name} root", ec.generate_private_key(ec.SECP256R1()), None, authority_depth=1)
        self.intermediate = _issue(
            f"{name} intermediate", ec.generate_private_key(ec.SECP256R1()), self.root, authority_depth=0
        )

    @property
    def root_pem(self) -> str:
        return self.root.pem.decode()

    def leaf(
        self,
        *names: str,
        key: Key | None = None,
        usages: Sequence[x509.ObjectIdentifier] = SERVER_AND_CLIENT,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        common_name: str = "",
        self_signed: bool = False,
    ) -> Issued:
        return _issue(
            common_name or (names[0] if names else "nobody"),
            key or rsa_key(),
            None if self_signed else self.intermediate,
            names=names,
            usages=usages,
            not_before=not_before,
            not_after=not_after,
        )

    def bundle(self, leaf: Issued) -> bytes:
        return leaf.pem + self.intermediate.pem + self.root.pem

    def server_context(self, *names: str) -> ssl.SSLContext:
        """TLS for a server of these names, or addresses."""
        leaf = self.leaf(*names)
        key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "server.pem"
            path.write_bytes(key + leaf.pem + self.intermediate.pem)
            context.load_cert_chain(path)
        return context


def _issue(
    common_name: str,
    key: Key,
    issuer: Issued | None,
    *,
    names: Sequence[str] = (),
    authority_depth: int | None = None,
    usages: Sequence[x509.ObjectIdentifier] = (),
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Issued:
    """One certificate; `authority_depth` None is a leaf, no `issuer` self-signed, no `names` without a SAN."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signing_key = issuer.key if issuer else key
    is_authority = authority_depth is not None
    now = datetime.now(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - timedelta(days=3650 if is_authority else 1))
        .not_valid_after(not_after or now + timedelta(days=3650 if is_authority else 90))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=authority_depth), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
        .add_extension(_key_usage(is_authority), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if names:
        san = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = builder.add_extension(san, critical=False)
    return Issued(certificate=builder.sign(signing_key, SHA256()), key=key)


def _key_usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
