"""File types that may be attached to a case, recognised by their content and confirmed by their name.

Documents and pictures as people send them, and plain text. No archives, since nobody sees what is in one; no web pages
and drawings, which run programs in a browser; no office files of the old format or with macros, which run them too.
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

HEAD_BYTES: Final = 8192
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
# What no text holds, whatever its encoding of the eight-bit kind.
_NO_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HEADER: Final = re.compile(rb"[\x21-\x39\x3b-\x7e]+:[ \t]?[^\r\n]*\r?\n")


@dataclass(frozen=True, slots=True)
class Kind:
    """`looks` is told the first bytes and the whole file."""

    media_type: str
    ending: str
    looks: Callable[[bytes, BinaryIO], bool]


def _begins(*magic: bytes) -> Callable[[bytes, BinaryIO], bool]:
    return lambda head, _file: head.startswith(magic)


def _picture_of_a_phone(head: bytes, _file: BinaryIO) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"mif1", b"msf1"}


def _text(head: bytes, file: BinaryIO) -> bool:
    """Text to its end, in UTF-8 or any eight-bit encoding."""
    file.seek(0)
    while piece := file.read(1024**2):
        if _NO_TEXT.search(piece):
            return False
    return True


def _message(head: bytes, file: BinaryIO) -> bool:
    return bool(_HEADER.match(head)) and _text(head, file)


def _office(member: str) -> Callable[[bytes, BinaryIO], bool]:
    """The names in the archive alone are read; nothing is unpacked."""

    def looks(head: bytes, file: BinaryIO) -> bool:
        if not head.startswith(b"PK\x03\x04"):
            return False
        try:
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                names = {name.lower() for name in archive.namelist()}
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            return False
        with_macros = any(name.endswith("vbaproject.bin") for name in names)
        return {"[content_types].xml", member} <= names and not with_macros

    return looks


KINDS: Final = (
    Kind("application/pdf", "pdf", _begins(b"%PDF-")),
    Kind("image/png", "png", _begins(b"\x89PNG\r\n\x1a\n")),
    Kind("image/jpeg", "jpg", _begins(b"\xff\xd8\xff")),
    Kind("image/jpeg", "jpeg", _begins(b"\xff\xd8\xff")),
    Kind("image/heic", "heic", _picture_of_a_phone),
    Kind("text/plain", "txt", _text),
    Kind("text/csv", "csv", _text),
    Kind("message/rfc822", "eml", _message),
    Kind(f"{_OFFICE}.wordprocessingml.document", "docx", _office("word/document.xml")),
    Kind(f"{_OFFICE}.spreadsheetml.sheet", "xlsx", _office("xl/workbook.xml")),
)
BY_ENDING: Final = {kind.ending: kind for kind in KINDS}
# As a file that goes out is called: by what it was found to be.
ENDINGS: Final = {kind.media_type: kind.ending for kind in reversed(KINDS)}


def media_type(name: str, file: BinaryIO) -> str:
    """What a file is. Raises Refused where it may not be kept, or is something else than its name says."""
    kind = BY_ENDING.get(name.rpartition(".")[2].lower())
    if kind is None:
        raise Refused(
            Sentence(
                "This type of file cannot be attached. Allowed types: %(endings)s.",
                endings=", ".join(BY_ENDING),
            )
        )
    file.seek(0)
    looks_so = kind.looks(file.read(HEAD_BYTES), file)
    file.seek(0)
    if not looks_so:
        raise Refused(
            Sentence(
                "The content of the file does not match its name, which ends in .%(ending)s.",
                ending=kind.ending,
            )
        )
    return kind.media_type
