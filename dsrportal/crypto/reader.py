"""An encrypted file that can be sought in, as if it lay there in clear: for archives, whose directory is at their end.

Decrypted chunk by chunk as it is read, and a few chunks remembered. Constant memory, and no clear byte on a disk.
"""

import errno
import io
import os
import shutil
import tempfile
from collections import OrderedDict
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidTag

from dsrportal.crypto.chunks import (
    CHUNK_BYTES,
    HEADER_BYTES,
    MAX_CHUNK_BYTES,
    VERSION,
    chunk_nonce,
    file_cipher,
)
from dsrportal.crypto.errors import Tampered
from dsrportal.crypto.seal import TAG_BYTES

_ALTERED = "An encrypted file was altered, cut short, moved from elsewhere, or is under another key."
# Chunks that are remembered: those of an archive's directory, and of the member that is being read.
_REMEMBERED = 16
# Chunks fetched at once for whoever reads on and on: where the file is far away, each fetching is a journey.
_RUN = 8


def open_file(key: bytes, file: Any, associated: bytes) -> BinaryIO:
    """The clear file behind an encrypted one, from its beginning; closing it closes `file`.

    `file` is a binary file as storages give it. One that cannot be sought in is copied first, encrypted as it is.
    Raises Tampered here where the end is missing or what follows it is not of this file, and while reading for any
    other change: what was read of a file before that is good.
    """
    sealed = _seekable(file)
    try:
        clear = _ClearFile(key, sealed, associated)
    except BaseException:
        sealed.close()
        raise
    return cast(BinaryIO, io.BufferedReader(clear, CHUNK_BYTES))


def _seekable(file: Any) -> Any:
    """The file, or a copy of it that has no name on the disk."""
    if file.seekable():
        return file
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the reader, and gone with it
    try:
        shutil.copyfileobj(file, copy, CHUNK_BYTES)
    finally:
        file.close()
    return copy


class _ClearFile(io.RawIOBase):
    def __init__(self, key: bytes, file: Any, associated: bytes) -> None:
        self._file = file
        self._chunks: OrderedDict[int, bytes] = OrderedDict()
        self._fetched_last = -1
        self._at = 0
        file.seek(0)
        header = _exactly(file, HEADER_BYTES)
        self._chunk_bytes = int.from_bytes(header[1:5], "big")
        if header[:1] != VERSION or not 1 <= self._chunk_bytes <= MAX_CHUNK_BYTES:
            raise Tampered("This file was not encrypted here.")
        self._cipher = file_cipher(key, header)
        self._associated = header + associated
        self._frame_bytes = self._chunk_bytes + TAG_BYTES
        file.seek(0, os.SEEK_END)
        self._body_bytes = file.tell() - HEADER_BYTES
        self._frames = max(1, -(-self._body_bytes // self._frame_bytes))
        self._size = self._body_bytes - self._frames * TAG_BYTES
        # Marked as the last, the chunk at the end proves how long the file is: before anything of it is believed.
        self._chunk(self._frames - 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, "There is nothing before the beginning of a file.")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._at >= self._size or not len(view):
            return 0
        index, start = divmod(self._at, self._chunk_bytes)
        piece = memoryview(self._chunk(index))[start : start + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._chunks.clear()
            self._file.close()
        super().close()

    def _chunk(self, index: int) -> bytes:
        if index not in self._chunks:
            self._fetch(index)
        self._chunks.move_to_end(index)
        return self._chunks[index]

    def _fetch(self, index: int) -> None:
        """Decrypt a chunk; and those behind it, where the one before it was fetched just now."""
        end = min(index + (_RUN if index == self._fetched_last + 1 else 1), self._frames)
        start = index * self._frame_bytes
        self._file.seek(HEADER_BYTES + start)
        sealed = memoryview(_exactly(self._file, min(end * self._frame_bytes, self._body_bytes) - start))
        for number in range(index, end):
            frame = sealed[(number - index) * self._frame_bytes :][: self._frame_bytes]
            nonce = chunk_nonce(number, is_last=number == self._frames - 1)
            try:
                self._chunks[number] = self._cipher.decrypt(nonce, frame, self._associated)
            except InvalidTag:
                raise Tampered(_ALTERED) from None
        self._fetched_last = end - 1
        while len(self._chunks) > _REMEMBERED:
            self._chunks.popitem(last=False)


def _exactly(file: Any, size: int) -> bytes:
    """So many bytes, from however many readings they come."""
    read = bytearray()
    while len(read) < size:
        piece = file.read(size - len(read))
        if not piece:
            raise Tampered("An encrypted file is cut short.")
        read += piece
    return bytes(read)
