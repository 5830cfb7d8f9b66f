import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

from integrations.errors import NotVerified
from integrations.opendsr.signatures import verify
from tests.authority import Authority, Issued, rsa_key

BODY = b'{"controller_id":"4302","request_status":"completed"}'


@pytest.fixture(scope="module")
def signer() -> Issued:
    return Authority().leaf("opendsr.mparticle.com")


def header(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_a_signature_of_these_bytes(bits: int) -> None:
    signer = Issued(Authority().root.certificate, rsa_key(bits))
    verify(signer.key.public_key(), BODY, header(signer.sign(BODY)))


def test_a_header_wrapped_over_lines(signer: Issued) -> None:
    plain = header(signer.sign(BODY))
    wrapped = "\r\n\t".join(plain[start : start + 76] for start in range(0, len(plain), 76))
    verify(signer.key.public_key(), BODY, f" {wrapped} ")


@pytest.mark.parametrize(
    "body", [BODY + b"\n", b" " + BODY, BODY.replace(b":", b": ", 1), BODY[:-1], b"", b"\xef\xbb\xbf" + BODY]
)
def test_other_bytes_of_the_same_meaning_are_refused(signer: Issued, body: bytes) -> None:
    with pytest.raises(NotVerified) as refusal:
        verify(signer.key.public_key(), body, header(signer.sign(BODY)))
    assert refusal.value.reason == "signature_wrong"


def test_pss_another_key_and_a_cut_signature_are_refused(signer: Issued) -> None:
    other = Issued(signer.certificate, rsa_key(2048, 1))
    wrong = [
        signer.sign(BODY, PSS(mgf=MGF1(SHA256()), salt_length=32)),
        other.sign(BODY),
        signer.sign(BODY)[:-1],
        signer.sign(BODY) + b"\0",
        bytes(256),
        b"x",
        b"",
    ]
    for signature in wrong:
        with pytest.raises(NotVerified) as refusal:
            verify(signer.key.public_key(), BODY, header(signature))
        assert refusal.value.reason == "signature_wrong"


@pytest.mark.parametrize(
    "text", ["not base64!", "abc", "====", "ä" * 344, "-_" * 172, "A" * 5000, "AAAA=AAA", "\0" * 344]
)
def test_a_header_that_is_no_base64_is_refused(signer: Issued, text: str) -> None:
    with pytest.raises(NotVerified) as refusal:
        verify(signer.key.public_key(), BODY, text)
    assert refusal.value.reason == "signature_unreadable"


def test_hexadecimal_is_refused(signer: Issued) -> None:
    with pytest.raises(NotVerified):
        verify(signer.key.public_key(), BODY, signer.sign(BODY).hex())


@pytest.mark.parametrize("key", [rsa_key(1024), ec.generate_private_key(ec.SECP256R1())])
def test_weak_and_other_keys_are_refused_even_if_they_sign(key: Issued) -> None:
    with pytest.raises(NotVerified) as refusal:
        verify(key.public_key(), BODY, header(b"x"))  # type: ignore[attr-defined]
    assert refusal.value.reason == "weak_key"
