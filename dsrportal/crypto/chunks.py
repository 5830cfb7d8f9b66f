"""Encryption of files of any length in constant memory.

Layout: a header (version byte, chunk size as 4 bytes big-endian, 32 random bytes), then the chunks, each with its tag.
Every file has a key of its own, derived from the data key and the header's random bytes, so chunks of two files never
fit each other. The nonce of a chunk is its index and whether it is the last (the STREAM construction, Hoang et al.
2015), so chunks cannot be reordered, dropped or appended. A last chunk always exists; in an empty file it is empty.
"""

import secrets
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsrportal.crypto.errors import Tampered
from dsrportal.crypto.seal import KEY_BYTES, TAG_BYTES

CHUNK_BYTES = 64 * 1024
# What a reader is ready to hold in memory, whatever a header says.
MAX_CHUNK_BYTES = 16 * 1024 * 1024
VERSION = b"\x01"
_SALT_BYTES = 32
HEADER_BYTES = 1 + 4 + _SALT_BYTES


def encrypt_chunks(
    key: bytes, chunks: Iterable[bytes], associated: bytes, size: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """The encrypted file, piece by piece. `chunks` may be of any lengths; `associated` says where the file belongs.

    Raises ValueError for a chunk size out of range.
    """
    if not 1 <= size <= MAX_CHUNK_BYTES:
        raise ValueError(f"A chunk has between 1 and {MAX_CHUNK_BYTES} bytes.")
    header = VERSION + size.to_bytes(4, "big") + secrets.token_bytes(_SALT_BYTES)
    cipher = file_cipher(key, header)
    yield header
    for index, (plain, is_last) in enumerate(_frames(chunks, size)):
        yield cipher.encrypt(chunk_nonce(index, is_last=is_last), plain, header + associated)


def decrypt_chunks(key: bytes, chunks: Iterable[bytes], associated: bytes) -> Iterator[bytes]:
    """The plain file, piece by piece; `chunks` may be cut anywhere.

    Raises `Tampered` for anything altered, reordered, spliced or cut short. Whether the end is missing is known only
    at the end: what was yielded before must be thrown away then.
    """
    incoming = iter(chunks)
    head = b""
    while len(head) < HEADER_BYTES:
        piece = next(incoming, None)
        if piece is None:
            raise Tampered("An encrypted file is cut short.")
        head += piece
    header, rest = head[:HEADER_BYTES], head[HEADER_BYTES:]
    size = int.from_bytes(header[1:5], "big")
    if header[:1] != VERSION or not 1 <= size <= MAX_CHUNK_BYTES:
        raise Tampered("This file was not encrypted here.")
    cipher = file_cipher(key, header)
    for index, (sealed, is_last) in enumerate(_frames(_chained(rest, incoming), size + TAG_BYTES)):
        try:
            plain = cipher.decrypt(chunk_nonce(index, is_last=is_last), sealed, header + associated)
        except InvalidTag:
            raise Tampered(
                "An encrypted file was altered, cut short, moved from elsewhere, or is under another key."
            ) from None
        yield plain


def file_cipher(key: bytes, header: bytes) -> AESGCM:
    """The cipher of the file with this header, and of no other. Raises ValueError for a key of the wrong length."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"A key has {KEY_BYTES} bytes, this one has {len(key)}.")
    derived = HKDF(SHA256(), KEY_BYTES, salt=header[-_SALT_BYTES:], info=b"dsrportal file").derive(key)
    return AESGCM(derived)


def chunk_nonce(index: int, *, is_last: bool) -> bytes:
    return index.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _chained(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _frames(chunks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The same bytes in frames of `size`, the last of them marked; that one may be shorter, or empty."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        start = 0
        # One byte more must be there before a frame is known not to be the last.
        while len(waiting) - start > size:
            yield bytes(memoryview(waiting)[start : start + size]), False
            start += size
        del waiting[:start]
    yield bytes(waiting), True
