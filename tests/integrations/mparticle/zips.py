"""Result files made for a test: as mParticle makes them, and as somebody would who means harm."""

import io
import json
import random
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

PROFILE: dict[str, Any] = {
    "id": "-3512845671234567890",
    "created_timestamp_ms": 1735689600000,
    "is_opted_out": False,
    "device_identities": {"google_advertising_id": "38400000-8cf0-11bd-b23e-10b96e40000d"},
    "user_identities": [
        {"type": "email", "encoding": "raw", "value": "ada@example.org"},
        {"type": "customer_id", "encoding": "raw", "value": "C-1"},
    ],
    "account_userattributes": {},
    "user_attributes": {"$firstname": "Ada", "plan": "premium", "tags": ["a", "b"], "score": 4.5},
    "audience_memberships": [{"id": 4711, "name": "Newsletter readers"}],
}


def batch(**changes: Any) -> dict[str, Any]:
    return {
        "mpid": "-3512845671234567890",
        "timestamp_unixtime_ms": "1767225600000",
        "user_identities": {"email": "Ada@Example.org ", "customer_id": "C-1"},
        "user_attributes": {"plan": "premium"},
        "events": [
            {
                "event_type": "screen_view",
                "data": {"timestamp_unixtime_ms": 1764547200000, "screen_name": "Home"},
            },
            {
                "event_type": "custom_event",
                "data": {"custom_attributes": {"friend": "Charles Babbage", "n": 1}},
            },
        ],
        **changes,
    }


def lines(*rows: Any, end: str = "") -> bytes:
    """One JSON object a line, the last without an end, as it comes."""
    return ("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + end).encode()


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content, compress_type=method)
    return buffer.getvalue()


def usual(*more: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    return zipped(
        ("profile.jsonl", lines(PROFILE, end="\n")),
        ("__MACOSX/._profile.jsonl", b"\x00\x05\x16\x07"),
        ("events-2026-01.jsonl", lines(batch(), batch())),
        *more,
    )


def entry(name: str, *, mode: int = 0) -> zipfile.ZipInfo:
    """A member of exactly this name, and of this kind of file."""
    info = zipfile.ZipInfo("x")
    info.filename = name
    info.external_attr = mode << 16
    return info


def renamed(name: str, second: str) -> zipfile.ZipInfo:
    """A member with a second name, in a field that Info-ZIP and others unpack by."""
    info, content = entry(name), struct.pack("<BL", 1, zlib.crc32(name.encode())) + second.encode()
    info.extra = struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(content)) + content
    return info


LINK = stat.S_IFLNK | 0o777


def bomb(size: int) -> bytes:
    """So many zeros, in a thousandth of the space."""
    buffer, piece = io.BytesIO(), bytes(1024 * 1024)
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("events.jsonl", "w") as member,
    ):
        for _ in range(size // len(piece)):
            member.write(piece)
    return buffer.getvalue()


def patched(archive: bytes, *changes: tuple[bytes, int, bytes]) -> bytes:
    """With other bytes behind each signature of a record, at this distance from its start."""
    raw = bytearray(archive)
    for signature, distance, value in changes:
        at = raw.find(signature)
        while at >= 0:
            raw[at + distance : at + distance + len(value)] = value
            at = raw.find(signature, at + 4)
    return bytes(raw)


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def members(archive: bytes) -> Sequence[str]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return opened.namelist()


def member(archive: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(name)
