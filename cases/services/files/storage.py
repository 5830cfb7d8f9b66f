"""Encrypted file storage: each file under the key of what it belongs to, bound to its own row.

Storages differ: some write from `chunks`, some from `read`, some give back a file that goes one way. No clear byte is
written with any of them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar, Protocol

from django.core.files.base import File
from django.core.files.storage import storages

from dsrportal.crypto import decrypt_chunks, encrypt_chunks, open_file


class SealedFile(Protocol):
    """A row with a file of its own in the storage `packages`, below `folder` ("" or ending in a slash)."""

    folder: ClassVar[str]
    pk: Any
    stored_name: Any

    @property
    def associated(self) -> bytes:
        """What the file is bound to: that of another row does not open as this one's."""


class _Encrypted(File):
    """What file storage is given: encrypted chunks, made as they are read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__(None)
        self._encrypted = chunks
        self._waiting = bytearray()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._encrypted

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._waiting) < size:
            piece = next(self._encrypted, None)
            if piece is None:
                break
            self._waiting += piece
        end = len(self._waiting) if size < 0 else size
        taken = bytes(self._waiting[:end])
        del self._waiting[:end]
        return taken


def save(row: SealedFile, chunks: Iterable[bytes], secret: bytes) -> None:
    """Store the clear `chunks` encrypted under the key `secret`, and note the name; what comes in half is deleted."""
    name, storage = f"{row.folder}{row.pk}.sealed", storages["packages"]
    try:
        encrypted = encrypt_chunks(secret, chunks, row.associated)
        row.stored_name = storage.save(name, _Encrypted(encrypted))
    except Exception:
        storage.delete(name)
        raise


def opened(row: SealedFile, secret: bytes, *, through: Any = None) -> BinaryIO:
    """The clear file, to be sought in; `through` may wrap the stored one. Raises dsrportal.crypto.Tampered."""
    stored: Any = storages["packages"].open(row.stored_name)
    return open_file(secret, through(stored) if through else stored, row.associated)


def clear_chunks(row: SealedFile, secret: bytes) -> Iterator[bytes]:
    """The clear bytes from the first to the last. A changed, cut or exchanged file raises dsrportal.crypto.Tampered."""
    with storages["packages"].open(row.stored_name) as stored:
        yield from decrypt_chunks(secret, stored.chunks(), row.associated)


def delete(stored_name: str) -> None:
    """Nothing is stored under no name; what is gone already is no error."""
    if stored_name:
        storages["packages"].delete(stored_name)
