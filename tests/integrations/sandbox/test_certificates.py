"""The certificate file: a chain that verifies, and its many ways not to."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.sandbox import Sandbox

DOMAIN = "opendsr.mparticle.com"


def served(sandbox: Sandbox) -> list[x509.Certificate]:
    status, _, pem = sandbox.call("GET", "/dsr/opendsr_cert.pem", workspace=None)
    assert status == 200
    return x509.load_pem_x509_certificates(pem)


def verify(sandbox: Sandbox, chain: list[x509.Certificate], name: str = DOMAIN) -> None:
    """Raises VerificationError."""
    root = x509.load_pem_x509_certificate(sandbox.root_pem.encode())
    policy = PolicyBuilder().store(Store([root])).time(datetime.now(UTC))
    policy.build_server_verifier(x509.DNSName(name)).verify(chain[0], chain[1:])


def names(leaf: x509.Certificate) -> list[str]:
    return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


def test_the_chain_verifies_from_leaf_to_root(sandbox: Sandbox) -> None:
    chain = served(sandbox)
    assert len(chain) == 3
    for name in (DOMAIN, "www.opendsr.mparticle.com", "opengdpr.mparticle.com"):
        verify(sandbox, chain, name)
    key = chain[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "untrusted", "client_auth_only"])
def test_a_bad_certificate_does_not_verify(sandbox: Sandbox, kind: str) -> None:
    sandbox.switches(certificate=kind)
    chain = served(sandbox)
    with pytest.raises(VerificationError):
        verify(sandbox, chain)


def test_some_bad_certificates_pass_path_validation_alone(sandbox: Sandbox) -> None:
    """`cryptography` takes a wildcard and a 1024-bit leaf: a client has to look for itself."""
    sandbox.switches(certificate="wildcard")
    wildcard = served(sandbox)
    verify(sandbox, wildcard)
    assert names(wildcard[0]) == ["*.mparticle.com"]
    sandbox.switches(certificate="rsa1024")
    weak = served(sandbox)
    verify(sandbox, weak)
    key = weak[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 1024


def test_the_wrong_name_still_has_the_right_common_name(sandbox: Sandbox) -> None:
    sandbox.switches(certificate="wrong_name")
    leaf = served(sandbox)[0]
    (common,) = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert common.value == DOMAIN
    assert names(leaf) == ["opendsr.example.com"]


def test_a_file_can_be_unavailable_or_no_certificate(sandbox: Sandbox) -> None:
    sandbox.switches(certificate="unavailable")
    assert sandbox.call("GET", "/dsr/opendsr_cert.pem")[0] == 503
    sandbox.switches(certificate="not_pem")
    status, _, body = sandbox.call("GET", "/dsr/opendsr_cert.pem")
    assert status == 200
    assert b"BEGIN CERTIFICATE" not in body


def test_each_rotation_makes_a_new_key(sandbox: Sandbox) -> None:
    numbers = [served(sandbox)[0].serial_number]
    for _ in range(2):
        sandbox.switches(certificate="rotated")
        chain = served(sandbox)
        verify(sandbox, chain)
        assert served(sandbox) == chain
        numbers.append(chain[0].serial_number)
    sandbox.switches(certificate="good")
    assert len(set(numbers)) == 3
    assert served(sandbox)[0].serial_number == numbers[0]


def test_answers_are_signed_when_switched(sandbox: Sandbox) -> None:
    assert "x-opendsr-signature" not in sandbox.call("GET", "/v3/requests/0")[1]
    sandbox.switches(sign_responses=True)
    assert len(sandbox.call("GET", "/v3/requests/0")[1]["x-opendsr-signature"]) == 344
