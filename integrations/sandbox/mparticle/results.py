"""The file behind `results_url`: a zip as in the vendor's sample `portability-response-sample.zip`, or a bad one."""

from __future__ import annotations

import functools
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.mparticle.names import DEVICE_TYPES, PROFILE_SPELLING
from integrations.sandbox.mparticle.store import SubjectRequest
from integrations.sandbox.people import Person

# Finder's metadata; the vendor's own sample was zipped on a Mac.
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + b"\x00" * 32

_CREATED_MS = 1735689600000  # 1 January 2025
_STORED_MS = 1767225600000  # 1 January 2026
_MINUTE_MS = 60_000
_BOMB_BYTES = 210 * 1024 * 1024
_HUGE_LINE_BYTES = 5 * 1024 * 1024
_ESCAPES = ("../../escaped.jsonl", "/tmp/sandbox-escaped.jsonl", "..\\..\\escaped.jsonl")  # noqa: S108 (a trap)

Members = list[tuple[str, bytes]]


def results_file(request: SubjectRequest, kind: str) -> bytes:
    """`kind` is a position of the switch `result` at which there is a file."""
    person = _person(request)
    if kind == "not_zip":
        return b"This is not a zip archive."
    if kind == "bomb":
        return _bomb()
    if kind == "empty":
        return _zip([("empty.txt", b"")])
    if kind == "foreign":
        return _zip([("profile.jsonl", _lines([_profile(_foreign(person))])), *_months(person)])
    members = _months(person)
    if kind != "no_profile":  # a privacy setting, the vendor's default, leaves it out
        members = [("profile.jsonl", _lines([_profile(person)]) + b"\n"), *members]
    if kind == "slip":
        members += [(name, b'{"events":[]}') for name in _ESCAPES]
    if kind == "junk":
        members.append(("events-2026-02.jsonl", _junk()))
    return _zip(members)


def _person(request: SubjectRequest) -> Person:
    """Who was found; where a switch wants a file of nobody, whoever was asked for."""
    if request.found is not None:
        return Person(**request.found)
    mpid = request.extension_identities.get("mpid", str((zlib.crc32(request.content.encode()) << 31) - 2**62))
    given = {name: value for name, value in request.all_identities.items() if name != "mpid"}
    return Person(place=request.workspace, id=mpid, identities=given)


def _foreign(person: Person) -> Person:
    """Somebody else's profile, as when two people shared a device."""
    changed = {
        name: f"other-{value}" if name in ("email", "controller_customer_id") else value
        for name, value in person.identities.items()
    }
    identities = {"email": "somebody.else@example.net", "controller_customer_id": "somebody-else", **changed}
    return Person(place=person.place, id=person.id, identities=identities, attributes=person.attributes)


def _profile(person: Person) -> dict[str, Any]:
    devices: dict[str, str] = {}
    users: list[dict[str, str]] = []
    for name, value in person.identities.items():
        spelled = PROFILE_SPELLING.get(name, name)
        if name in DEVICE_TYPES:
            devices[spelled] = value
        else:
            users.append({"type": spelled, "encoding": "raw", "value": value})
    profile: dict[str, Any] = {
        "id": person.id,
        "created_timestamp_ms": _CREATED_MS,
        "last_stored_timestamp_ms": _STORED_MS,
        "is_opted_out": False,
        "limit_ad_tracking": False,
        "device_identities": devices,
        "user_identities": users,
        "account_userattributes": {},
        "user_attributes": person.attributes or {"$firstname": "Sandbox", "plan": "premium"},
        "audience_memberships": [{"id": 4711, "name": "Newsletter readers"}],
    }
    if person.consent:
        profile["consent_state"] = person.consent
    return profile


def _months(person: Person) -> Members:
    """A file for each month, a batch on each line; the last line has no newline, and the mpid is a string."""
    months: dict[str, list[dict[str, Any]]] = {}
    for number, event in enumerate(person.events or _usual_events()):
        at = event_time_ms(event)
        batch = {
            "mpid": person.id,
            "environment": "production",
            "batch_id": number,
            "timestamp_unixtime_ms": str(at),
            "user_identities": {
                PROFILE_SPELLING.get(name, name): value
                for name, value in person.identities.items()
                if name not in DEVICE_TYPES
            },
            "events": [event],
        }
        months.setdefault(f"{datetime.fromtimestamp(at / 1000, tz=UTC):%Y-%m}", []).append(batch)
    return [(f"events-{month}.jsonl", _lines(batches)) for month, batches in sorted(months.items())]


def event_time_ms(event: dict[str, Any]) -> int:
    """Milliseconds since 1970, from wherever the event has them."""
    given = (event.get("data") or {}).get("timestamp_unixtime_ms")
    return int(given) if given is not None else _STORED_MS


def _usual_events() -> list[dict[str, Any]]:
    return [
        {
            "event_type": "custom_event",
            "data": {
                "event_name": name,
                "custom_event_type": "navigation",
                "custom_attributes": {},
                "timestamp_unixtime_ms": _STORED_MS + number * _MINUTE_MS,
            },
        }
        for number, name in enumerate(("App opened", "Article read", "Subscribed"))
    ]


def _junk() -> bytes:
    """Lines that are no JSON, one of five megabytes, bytes that are no UTF-8, and a good line in between."""
    huge = b'{"huge":"' + b"x" * _HUGE_LINE_BYTES + b'"}'
    good = b'{"events":[{"event_type":"screen_view","data":{"screen_name":"Home"}}]}'
    return b"\n".join((b"not json", good, huge, b'{"broken":"\xff\xfe"}', b"[1, 2]", b"", b'{"cut":'))


@functools.cache
def _bomb() -> bytes:
    """Small on the wire, more than 200 MB of zeros unpacked."""
    buffer = io.BytesIO()
    piece = b"0" * (1024 * 1024)
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("events-2026-01.jsonl", "w") as member,
    ):
        for _ in range(_BOMB_BYTES // len(piece)):
            member.write(piece)
    return buffer.getvalue()


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def _zip(members: Members) -> bytes:
    """Beside each member what Finder leaves of it, but for names that lead out of the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(_named(name), content)
            if name not in _ESCAPES:
                archive.writestr(f"__MACOSX/._{name}", _APPLE_DOUBLE)
    return buffer.getvalue()


def _named(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=datetime.now(UTC).timetuple()[:6])
    info.filename = name  # as it stands, whatever this system's separator is
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
