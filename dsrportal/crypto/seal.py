"""Authenticated encryption of one value: AES-256-GCM, bound to where the value belongs."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dsrportal.crypto.errors import Tampered

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
# First byte of everything sealed here, so that a later format can be told from this one.
VERSION = b"\x01"


def new_key() -> bytes:
    """32 random bytes from the operating system."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Version byte, 96-bit random nonce, ciphertext and tag. `associated` must be given again to open it."""
    # A random nonce is safe for 2**32 values under one key (NIST SP 800-38D, 8.3); a data key covers one person,
    # one case, or the portal's own few rows.
    nonce = secrets.token_bytes(NONCE_BYTES)
    return VERSION + nonce + AESGCM(_checked(key)).encrypt(nonce, plaintext, VERSION + associated)


def open_sealed(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """The plaintext, or `Tampered` when key, bytes or `associated` are not the ones it was sealed with."""
    if len(sealed) < 1 + NONCE_BYTES + TAG_BYTES or sealed[:1] != VERSION:
        raise Tampered("These bytes were not sealed here, or were cut short.")
    nonce = sealed[1 : 1 + NONCE_BYTES]
    try:
        return AESGCM(_checked(key)).decrypt(nonce, sealed[1 + NONCE_BYTES :], VERSION + associated)
    except InvalidTag:
        raise Tampered(
            "A sealed value was altered, moved from another row, or is under another key."
        ) from None


def _checked(key: bytes) -> bytes:
    # AESGCM would quietly take 16 or 24 bytes and give a weaker cipher.
    if len(key) != KEY_BYTES:
        raise ValueError(f"A key has {KEY_BYTES} bytes, this one has {len(key)}.")
    return key
