"""Validates requests as mParticle does (docs.mparticle.com, "OpenDSR v3"), one sentence per refusal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.sandbox.authority import PROCESSOR_DOMAIN

STANDARD_TYPES = (
    "controller_customer_id", "email", "android_advertising_id", "android_id", "fire_advertising_id",
    "ios_advertising_id", "ios_vendor_id", "microsoft_advertising_id", "microsoft_publisher_id",
    "roku_advertising_id", "roku_publisher_id",
)  # fmt: skip
EXTENSION_TYPES = (
    "mpid", "other", *(f"other{number}" for number in range(2, 11)), "mobile_number", "phone_number_2",
    "phone_number_3",
)  # fmt: skip
REQUEST_TYPES = ("access", "portability", "erasure")
REGULATIONS = ("gdpr", "ccpa")
MOST_IDENTITIES = 50
MOST_IN_GROUP = 150

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_INT64 = re.compile(r"-?\d{1,19}")


class Invalid(ValueError):
    """A 400, with the sentence for its message."""


@dataclass(slots=True)
class Wanted:
    """A valid request, before anything is known of other requests."""

    id: str
    type: str
    regulation: str
    submitted_time: str
    group_id: str | None
    identities: dict[str, str]
    extension_identities: dict[str, str]
    skip_waiting_period: bool
    callback_urls: list[str]
    content: str


def parse(raw: bytes, *, strict_skip: bool) -> Wanted:
    """Raises Invalid. `strict_skip` refuses a `skip_waiting_period` that is no boolean, or that stands at the top
    level, where one table of the vendor's page puts it and its example does not."""
    body = _json_object(raw)
    for name in ("regulation", "subject_request_id", "subject_request_type", "submitted_time"):
        if name not in body:
            raise Invalid(f"The field '{name}' is required.")
    if body["regulation"] not in REGULATIONS:
        raise Invalid("The regulation is not supported.")
    if body["subject_request_type"] not in REQUEST_TYPES:
        raise Invalid("The subject_request_type is not supported.")
    request_id = body["subject_request_id"]
    if not isinstance(request_id, str) or not UUID4.fullmatch(request_id):
        raise Invalid("The subject_request_id is not a lower-case UUID version 4.")
    _check_time(body["submitted_time"])
    if not (
        isinstance(body.get("api_version", "3.0"), str) and body.get("api_version", "3.0").startswith("3")
    ):
        raise Invalid("The api_version is not supported.")
    group_id = body.get("group_id")
    if not isinstance(group_id, str | None):
        raise Invalid("The group_id is not a string.")
    extension = _extension(body)
    identities = _identities(body.get("subject_identities"), where="subject_identities")
    more = _identities(extension.get("subject_identities"), where=f"extensions['{PROCESSOR_DOMAIN}']")
    _check_identities(identities, more)
    skip = _skip(body, extension, strict=strict_skip)
    canonical = json.dumps(
        [body["subject_request_type"], identities, more, skip], sort_keys=True, ensure_ascii=False
    )
    return Wanted(
        id=request_id,
        type=body["subject_request_type"],
        regulation=body["regulation"],
        submitted_time=body["submitted_time"],
        group_id=group_id,
        identities=identities,
        extension_identities=more,
        skip_waiting_period=skip and body["subject_request_type"] == "erasure",
        callback_urls=_callback_urls(body.get("status_callback_urls")),
        content=canonical,
    )


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise Invalid("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Invalid("The request body is not a JSON object.")
    return body


def _check_time(value: Any) -> None:
    try:
        if not isinstance(value, str) or not _RFC3339.fullmatch(value):
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise Invalid("The submitted_time is not an RFC 3339 date and time.") from None


def _extension(body: dict[str, Any]) -> dict[str, Any]:
    extensions = body.get("extensions")
    if extensions is None:
        return {}
    if not isinstance(extensions, dict):
        raise Invalid("The extensions are not an object keyed by domain.")
    ours = extensions.get(PROCESSOR_DOMAIN, {})
    if not isinstance(ours, dict):
        raise Invalid(f"The extension of {PROCESSOR_DOMAIN} is not an object.")
    return ours


def _identities(given: Any, *, where: str) -> dict[str, str]:
    """Shape only; which types are known is looked at when all of them have been counted."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Invalid(f"The {where} are not an object keyed by identity type.")
    values: dict[str, str] = {}
    for name, identity in given.items():
        if not isinstance(identity, dict):
            raise Invalid(f"An identity in {where} is not an object with value and encoding.")
        value = identity.get("value")
        if not isinstance(value, str) or not value:
            raise Invalid(f"An identity in {where} has no value.")
        if identity.get("encoding") != "raw":
            raise Invalid("Only the identity encoding 'raw' is supported.")
        values[name] = value
    return values


def _check_identities(identities: dict[str, str], more: dict[str, str]) -> None:
    if not identities and not more:
        raise Invalid("At least one identity is required.")
    if len(identities) + len(more) > MOST_IDENTITIES:
        raise Invalid(f"A request takes at most {MOST_IDENTITIES} identities.")
    if any(name not in STANDARD_TYPES for name in identities):
        raise Invalid("An identity type in subject_identities is not supported.")
    if any(name not in EXTENSION_TYPES for name in more):
        raise Invalid(f"An identity type in the extension of {PROCESSOR_DOMAIN} is not supported.")
    if "mpid" in more:
        if len(identities) + len(more) > 1:
            raise Invalid("An mpid cannot be combined with other identities.")
        if not _INT64.fullmatch(more["mpid"]) or not -(2**63) <= int(more["mpid"]) < 2**63:
            raise Invalid("The mpid is not a signed 64-bit integer.")


def _skip(body: dict[str, Any], extension: dict[str, Any], *, strict: bool) -> bool:
    if strict and "skip_waiting_period" in body:
        raise Invalid("The field 'skip_waiting_period' belongs into the extension.")
    skip = extension.get("skip_waiting_period", False)
    if not isinstance(skip, bool):
        if strict:
            raise Invalid("The field 'skip_waiting_period' is not a boolean.")
        return False
    return skip


def _callback_urls(given: Any) -> list[str]:
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(url, str) and url for url in given):
        raise Invalid("The status_callback_urls are not an array of strings.")
    return list(given)
