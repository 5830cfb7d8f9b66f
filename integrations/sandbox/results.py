"""The file behind `results_url`: a zip as in the vendor's sample `portability-response-sample.zip`."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

from .store import SubjectRequest

# Finder's metadata; the vendor's own sample was zipped on a Mac.
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + b"\x00" * 32

# The result file spells two identity types differently from a request.
_PROFILE_NAMES = {"controller_customer_id": "customer_id", "android_advertising_id": "google_advertising_id"}
_DEVICE = ("_advertising_id", "_vendor_id", "_publisher_id", "android_id")


def results_zip(request: SubjectRequest, kind: str) -> bytes:
    """`kind` is found, no_profile (a privacy setting, the vendor's default, leaves it out) or empty."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "empty":
            archive.writestr("empty.txt", "")
            archive.writestr("__MACOSX/._empty.txt", _APPLE_DOUBLE)
            return _closed(archive, buffer)
        if kind == "found":
            archive.writestr("profile.jsonl", json.dumps(_profile(request)) + "\n")
            archive.writestr("__MACOSX/._profile.jsonl", _APPLE_DOUBLE)
        # The last line has no newline, and the numeric mpid is a string.
        archive.writestr("events-2026-01.jsonl", "\n".join(json.dumps(row) for row in _events(request)))
        archive.writestr("__MACOSX/._events-2026-01.jsonl", _APPLE_DOUBLE)
    return buffer.getvalue()


def _closed(archive: zipfile.ZipFile, buffer: io.BytesIO) -> bytes:
    archive.close()
    return buffer.getvalue()


def _mpid(request: SubjectRequest) -> int:
    """A signed 64-bit number, negative for some people."""
    given = request.extension_identities.get("mpid")
    if given is not None:
        return int(given)
    return (zlib.crc32(request.content.encode()) << 31) - 2**62


def _profile(request: SubjectRequest) -> dict[str, Any]:
    devices: dict[str, str] = {}
    users: list[dict[str, str]] = []
    for name, value in {**request.identities, **request.extension_identities}.items():
        if name == "mpid":
            continue
        spelled = _PROFILE_NAMES.get(name, name)
        if name.endswith(_DEVICE):
            devices[spelled] = value
        else:
            users.append({"type": spelled, "encoding": "raw", "value": value})
    return {
        "id": str(_mpid(request)),
        "created_timestamp_ms": 1735689600000,
        "last_stored_timestamp_ms": 1767225600000,
        "is_opted_out": False,
        "limit_ad_tracking": False,
        "device_identities": devices,
        "user_identities": users,
        "account_userattributes": {},
        "user_attributes": {"$firstname": "Sandbox", "plan": "premium"},
        "audience_memberships": [{"id": 4711, "name": "Newsletter readers"}],
    }


def _events(request: SubjectRequest) -> list[dict[str, Any]]:
    mpid = str(_mpid(request))
    return [
        {
            "mpid": mpid,
            "environment": "production",
            "batch_id": number,
            "timestamp_unixtime_ms": str(1767225600000 + number * 60_000),
            "user_identities": dict(request.identities),
            "events": [
                {
                    "event_type": "custom_event",
                    "data": {"event_name": name, "custom_event_type": "navigation", "custom_attributes": {}},
                }
            ],
        }
        for number, name in enumerate(("App opened", "Article read", "Subscribed"))
    ]
