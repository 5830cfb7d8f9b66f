"""Checks whether a result file came whole, as it passes: nothing is kept, nothing is unpacked.

mParticle's guide says a zip archive in one place and a text file in another, and OpenDSR leaves the format open; so
what is neither an archive nor said to be one passes, and is doubted when it is looked into (`contents`). A gateway's
page, and half an archive, are not the result: they would be kept as the person's answer until mParticle has deleted
the real one.
https://docs.mparticle.com/guides/data-subject-requests/
"""

import struct
from collections.abc import Iterator

from dsrportal.sentence import Sentence
from integrations.errors import UnexpectedAnswer

_ARCHIVE = b"PK"
# The record that ends every archive: where its directory lies, and how long a comment follows (APPNOTE.TXT 4.3.16).
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LONGEST_TAIL = _END.size + 0xFFFF
_IN_ZIP64 = 0xFFFFFFFF


def whole(chunks: Iterator[bytes], *, content_type: str) -> Iterator[bytes]:
    """The chunks as they come. Raises UnexpectedAnswer at their end where they are not a whole result file."""
    kind = content_type.partition(";")[0].strip().lower()
    size, head, tail = 0, b"", b""
    for chunk in chunks:
        size += len(chunk)
        if len(head) < len(_ARCHIVE):
            head = (head + chunk)[: len(_ARCHIVE)]
        tail = (tail + chunk)[-_LONGEST_TAIL:]
        yield chunk
    if size == 0:
        raise UnexpectedAnswer(
            Sentence("The address of the result returned an empty file."), http_status=200, size=0
        )
    if kind in ("text/html", "application/xhtml+xml"):
        raise UnexpectedAnswer(
            Sentence("The address of the result returned a web page."), http_status=200, size=size
        )
    if (kind == "application/zip" or head == _ARCHIVE) and not _ends_well(tail, size):
        raise UnexpectedAnswer(Sentence("The result is an incomplete archive."), http_status=200, size=size)


def _ends_well(tail: bytes, size: int) -> bool:
    """Whether the archive's last record is there, ends where the file ends, and points at a directory before it."""
    at = tail.rfind(_END_SIGNATURE)
    while at >= 0:
        if len(tail) - at >= _END.size:
            *_, length, offset, comment = _END.unpack_from(tail, at)
            before = size - len(tail) + at
            placed = _IN_ZIP64 in (length, offset) or offset + length <= before
            if placed and at + _END.size + comment == len(tail):
                return True
        at = tail.rfind(_END_SIGNATURE, 0, at)
    return False
