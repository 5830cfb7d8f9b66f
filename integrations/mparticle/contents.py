"""Reading an archive that may have been made to harm whoever opens it. Nothing of it is ever written to a disk.

Its directory is judged as a whole before the first byte is unpacked: how much there would be, and whether every name
could lie in a folder on anybody's computer. Limits are generous for one person's data, and small for a machine.
"""

import errno
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

MOST_MEMBERS: Final = 10_000
MOST_BYTES: Final = 8 * 1024**3
# JSON lines of events pack to a twentieth; deflate can make a thousandth of nothing but zeros. Small ones are let be.
MOST_RATIO: Final = 200
LET_BE_BYTES: Final = 64 * 1024**2
LONGEST_NAME: Final = 1000

_PIECE_BYTES = 64 * 1024
# The library reads a directory at once, and gives every entry an object: this is how much it is let read.
_READ_AT_ONCE = 2 * 1024 * 1024
_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
# Encrypted, and encrypted strongly (APPNOTE.TXT 4.4.4). The library has no word for the second.
_ENCRYPTED = 0x1 | 0x40
# Others need up to gigabytes to unpack one byte, and mParticle uses none.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# A second name that other tools unpack by (Info-ZIP; APPNOTE.TXT 4.6.9); this library goes by the first alone.
_SECOND_NAME = 0x7075
_DRIVE = re.compile(r"[A-Za-z]:")
# Control and format characters, halves of pairs, line and paragraph separators.
_UNWRITABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Doubtful(Exception):
    """Nobody may be shown this package; `word` says why."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class _BeforeTheBeginning(OSError):
    """The archive points before its own first byte. The library tries that too, and then expects an OSError."""


# What the library raises for what is in an archive. Other OSErrors are the storage's, and no doubt about the package.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
    _BeforeTheBeginning,
)


class Archive:
    """The members of an archive that was judged: files alone, without what a Mac adds to them."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._opened = opened
        self.members = [
            info for info in opened.infolist() if not info.is_dir() and not is_junk(info.filename)
        ]

    def pieces(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """The unpacked bytes of one member. Raises Doubtful where they are not what the directory says."""
        size = 0
        try:
            with self._opened.open(member) as file:
                while piece := file.read(_PIECE_BYTES):
                    size += len(piece)
                    yield piece
        except _BROKEN:
            raise Doubtful("unreadable") from None
        if size != member.file_size:
            raise Doubtful("unreadable")


@contextmanager
def opened(package: BinaryIO) -> Iterator[Archive]:
    """The archive in a file that can be sought in. Raises Doubtful: not_zip, bomb, bad_names, unreadable."""
    guarded = _Guarded(package)
    if guarded.read(4) not in _BEGINNINGS:
        raise Doubtful("not_zip")
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, guarded))
    except _BROKEN:
        raise Doubtful("unreadable") from None
    with archive:
        _judge(archive.infolist(), guarded.size)
        yield Archive(archive)


def is_junk(name: str) -> bool:
    """What Finder puts beside each file of an archive that was made on a Mac, as the vendor's own sample was."""
    parts = name.split("/")
    return "__MACOSX" in parts[:-1] or parts[-1].startswith("._")


def _judge(infos: list[zipfile.ZipInfo], packed_bytes: int) -> None:
    if len(infos) > MOST_MEMBERS:
        raise Doubtful("bomb")
    unpacked_bytes = sum(info.file_size for info in infos)
    if unpacked_bytes > MOST_BYTES or unpacked_bytes > max(LET_BE_BYTES, MOST_RATIO * packed_bytes):
        raise Doubtful("bomb")
    names = set()
    for info in infos:
        names.add(_where(info.filename))
        if not _is_plain(info):
            raise Doubtful("bad_names")
    if len(names) < len(infos):
        raise Doubtful("bad_names")
    if any(info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS for info in infos):
        raise Doubtful("unreadable")


def _where(name: str) -> str:
    """Equal for two names that are one on a Mac or on Windows: the second file would be unpacked over the first."""
    parts = unicodedata.normalize("NFC", name.rstrip("/")).casefold().split("/")
    return "/".join(part.rstrip(". ") for part in parts)


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """A file or a folder, and a name that stays below wherever it is unpacked. As it stands in the archive."""
    name = info.orig_filename
    is_folder = name.endswith("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    return (
        0 < len(name) <= LONGEST_NAME
        and not _has_second_name(info.extra)
        and kind in (0, stat.S_IFDIR if is_folder else stat.S_IFREG)
        and not (is_folder and info.file_size)
        and "\\" not in name
        and not _DRIVE.match(name)
        and not any(unicodedata.category(char) in _UNWRITABLE for char in name)
        and not {"", ".", ".."} & set(name.removesuffix("/").split("/"))
    )


def _has_second_name(extra: bytes) -> bool:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _SECOND_NAME:
            return True
        at += 4 + length
    return False


class _Guarded:
    """A file as the library reads an archive from it, never more of it at once than a directory may have."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        wanted = self.size - self._file.tell() if size < 0 else size
        if wanted > _READ_AT_ONCE:
            raise Doubtful("bomb")
        return self._file.read(max(wanted, 0))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._file.tell(), os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise _BeforeTheBeginning(errno.EINVAL, "Before the beginning.")
        return self._file.seek(start + offset)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True
