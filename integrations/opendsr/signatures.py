"""The signature over a callback: RSASSA-PKCS1-v1_5 with SHA-256 over the raw body, base64 in a header.

https://docs.mparticle.com/developers/apis/dsr-api/v3/#callbacks; proven on a recorded callback. Headers,
address and time are not signed, so a signed body can be replayed: repetition must be harmless.
"""

import binascii
from base64 import b64decode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from dsrportal.sentence import Sentence
from integrations.errors import NotVerified

SMALLEST_KEY_BITS = 2048
# Base64 of a 16,384-bit signature, wrapped.
_LONGEST_HEADER = 4096


def verify(public_key: object, body: bytes, header: str) -> None:
    """Return if `header` is a signature of exactly these bytes; raise NotVerified otherwise.

    Reasons: `weak_key` (not RSA of 2,048 bits or more), `signature_unreadable`, `signature_wrong`.
    """
    if not isinstance(public_key, RSAPublicKey) or public_key.key_size < SMALLEST_KEY_BITS:
        raise NotVerified("weak_key", Sentence("The signing key is not an RSA key of at least 2,048 bits."))
    try:
        public_key.verify(_decoded(header), body, PKCS1v15(), SHA256())
    except InvalidSignature:
        raise NotVerified("signature_wrong", Sentence("The signature does not match these bytes.")) from None


def _decoded(header: str) -> bytes:
    """OpenDSR 7.4 shows the header wrapped over lines; apart from blanks it must be standard base64."""
    if len(header) <= _LONGEST_HEADER:
        try:
            return b64decode("".join(header.split()), validate=True)
        except (binascii.Error, ValueError):
            pass
    raise NotVerified("signature_unreadable", Sentence("The signature header is not valid base64."))
