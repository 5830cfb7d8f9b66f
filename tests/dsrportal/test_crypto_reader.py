"""An encrypted file is read like the clear one behind it, from anywhere in it, and never beyond what is proven."""

import io
import os
import secrets
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from hypothesis import given, settings
from hypothesis import strategies as st

from dsrportal.crypto import Tampered, encrypt_chunks, new_key, open_file
from dsrportal.crypto.chunks import CHUNK_BYTES, HEADER_BYTES
from dsrportal.crypto.seal import TAG_BYTES

KEY = new_key()


def encrypted(plain: bytes, size: int = CHUNK_BYTES) -> bytes:
    return b"".join(encrypt_chunks(KEY, [plain], b"file 1", size))


def opened(sealed: bytes, key: bytes = KEY, associated: bytes = b"file 1") -> Any:
    return open_file(key, io.BytesIO(sealed), associated)


@settings(deadline=None, max_examples=200)
@given(
    plain=st.binary(max_size=400),
    size=st.integers(1, 40),
    steps=st.lists(
        st.tuples(st.sampled_from(["start", "here", "end"]), st.integers(-60, 460), st.integers(0, 99))
    ),
)
def test_it_reads_like_the_clear_file(plain: bytes, size: int, steps: list[tuple[str, int, int]]) -> None:
    ours, theirs = opened(encrypted(plain, size)), io.BytesIO(plain)
    whence = {"start": os.SEEK_SET, "here": os.SEEK_CUR, "end": os.SEEK_END}
    for origin, offset, count in steps:
        if {"start": 0, "here": theirs.tell(), "end": len(plain)}[origin] + offset < 0:
            with pytest.raises(OSError, match="before the beginning"):
                ours.seek(offset, whence[origin])
            continue
        assert ours.seek(offset, whence[origin]) == theirs.seek(offset, whence[origin]) == ours.tell()
        assert ours.read(count) == theirs.read(count)
        assert ours.tell() == theirs.tell()
    ours.seek(0)
    assert ours.read() == plain


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 31, 32, 33])
def test_its_clear_size_is_known_and_nothing_can_be_cut_off_or_added(length: int) -> None:
    plain = secrets.token_bytes(length)
    sealed = encrypted(plain, 16)
    assert opened(sealed).seek(0, os.SEEK_END) == length
    for kept in range(len(sealed)):
        with pytest.raises(Tampered):
            opened(sealed[:kept])
    for added in (1, TAG_BYTES, 16 + TAG_BYTES):
        with pytest.raises(Tampered):
            opened(sealed + bytes(added))


def test_every_change_is_found_where_it_is_read_and_what_lies_before_it_is_good() -> None:
    plain = secrets.token_bytes(100)
    sealed = encrypted(plain, 16)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            opened(bytes(changed)).read()
    middle = bytearray(sealed)
    middle[HEADER_BYTES + 3 * (16 + TAG_BYTES)] ^= 1
    file = opened(bytes(middle))
    assert file.read(16) == plain[:16]
    file.seek(64)
    assert file.read(16) == plain[64:80]
    file.seek(48)
    with pytest.raises(Tampered):
        file.read(1)


def test_another_key_another_place_and_chunks_of_another_file_are_refused() -> None:
    plain = secrets.token_bytes(60)
    ours, theirs = encrypted(plain, 16), encrypted(plain, 16)
    frame = 16 + TAG_BYTES
    with pytest.raises(Tampered):
        opened(ours, key=new_key())
    with pytest.raises(Tampered):
        opened(ours, associated=b"file 2")
    start = HEADER_BYTES + frame
    with pytest.raises(Tampered):
        opened(ours[:start] + theirs[start : start + frame] + ours[start + frame :]).read()
    swapped = (
        ours[:HEADER_BYTES] + ours[start : start + frame] + ours[HEADER_BYTES:start] + ours[start + frame :]
    )
    with pytest.raises(Tampered):
        opened(swapped).read()


def test_closing_it_closes_the_file_also_where_it_cannot_be_opened() -> None:
    file = io.BytesIO(encrypted(b"x"))
    open_file(KEY, file, b"file 1").close()
    assert file.closed
    file = io.BytesIO(b"not encrypted here, and long enough for a header")
    with pytest.raises(Tampered):
        open_file(KEY, file, b"file 1")
    assert file.closed


class _Far(io.RawIOBase):
    """As from a store far away: it counts what is fetched, and may give less than is asked for, or go one way only."""

    def __init__(self, content: bytes, *, one_way: bool = False) -> None:
        self._inner = io.BytesIO(content)
        self._one_way = one_way
        self.fetched = 0

    def seekable(self) -> bool:
        return not self._one_way

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self._one_way:
            raise io.UnsupportedOperation("seek")
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def read(self, size: int = -1) -> bytes:
        self.fetched += 1
        return self._inner.read(min(size, 300_000) if size > 0 else size)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for number in range(20):
            file.writestr(f"{number}.bin", secrets.token_bytes(200_000))
    return buffer.getvalue()


@pytest.mark.parametrize("one_way", [False, True])
def test_an_archive_is_read_from_a_file_that_is_far_away_or_goes_one_way(one_way: bool) -> None:
    plain = archive()
    far = _Far(encrypted(plain), one_way=one_way)
    with open_file(KEY, far, b"file 1") as file, zipfile.ZipFile(file) as found:
        assert found.testzip() is None
    assert far.closed
    # Four megabytes in 64 chunks: not a journey for each of them, and none twice.
    assert far.fetched < 64


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_it_reads_what_storages_open(kind: str, tmp_path: Path) -> None:
    storage: Storage = FileSystemStorage(tmp_path) if kind == "disk" else InMemoryStorage()
    plain = archive()
    name = storage.save("one.sealed", ContentFile(encrypted(plain)))
    with open_file(KEY, storage.open(name), b"file 1") as file:
        assert file.read() == plain
        file.seek(-22, os.SEEK_END)
        assert file.read() == plain[-22:]


def test_memory_stays_small_however_long_the_file_is(tmp_path: Path) -> None:
    piece = bytes(1024 * 1024)

    def pieces() -> Iterator[bytes]:
        for _ in range(128):
            yield piece

    path = tmp_path / "long.sealed"
    with path.open("wb") as out:
        out.writelines(encrypt_chunks(KEY, pieces(), b"file 1"))
    tracemalloc.start()
    with open_file(KEY, path.open("rb"), b"file 1") as file:
        read = 0
        while found := file.read(100_000):
            read += len(found)
        file.seek(1)
        file.read(1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == 128 * len(piece)
    assert peak < 4 * 1024 * 1024
