"""Checks event batches against mParticle's published JSON schema, as far as consent and people go.

The schema (docs.mparticle.com/schema, "mparticle.inbound.eventsapi.schema.json") allows no property it does not name;
of the many kinds of event only the frame is looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from integrations.sandbox.mparticle.names import EVENT_DEVICES, EVENT_USERS

MOST_BYTES = 128 * 1024
MOST_BATCHES = 100

EVENT_TYPES = frozenset({
    "session_start", "session_end", "screen_view", "custom_event", "crash_report", "opt_out", "first_run",
    "push_registration", "application_state_transition", "push_message", "network_performance", "breadcrumb",
    "profile", "commerce_event", "user_attribute_change", "user_identity_change", "uninstall",
})  # fmt: skip

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Device ids that the schema wants to look like a UUID; the others are any text.
_UUID_DEVICES = frozenset({
    "ios_advertising_id", "ios_idfv", "android_advertising_id", "fire_advertising_id", "roku_advertising_id",
    "roku_publisher_id",
})  # fmt: skip
_DEVICE_FACTS = frozenset({
    "brand", "product", "device", "device_manufacturer", "platform", "os_version", "device_model",
    "screen_height", "screen_width", "screen_dpi", "device_country", "locale_language", "locale_country",
    "network_country", "network_carrier", "network_code", "network_mobile_country_code", "timezone_offset",
    "build_identifier", "http_header_user_agent", "att_authorization_status", "att_timestamp_unixtime_ms",
    "cpu_architecture", "is_tablet", "push_notification_sound_enabled", "push_notification_vibrate_enabled",
    "radio_access_technology", "supports_telephony", "has_nfc", "bluetooth_enabled", "bluetooth_version",
    "build_version_release", "limit_ad_tracking", "is_dst",
})  # fmt: skip
_CONSENT_FIELDS = frozenset({
    "regulation", "document", "consented", "timestamp_unixtime_ms", "location", "hardware_id",
})  # fmt: skip


class BadBatch(ValueError):
    """A 400, with the sentence for its message; it names properties, never values."""


def parse(raw: bytes) -> Any:
    """Read a batch, or several. Raises BadBatch for what is too large or no JSON."""
    if len(raw) > MOST_BYTES * 2:
        raise BadBatch("The request is larger than 256 KB.")
    try:
        return json.loads(raw)
    except ValueError:
        raise BadBatch("The request body is not valid JSON.") from None


def check(batch: Any) -> dict[str, Any]:
    """The batch itself. Raises BadBatch."""
    if not isinstance(batch, dict):
        raise BadBatch("A batch is a JSON object.")
    if len(json.dumps(batch)) > MOST_BYTES:
        raise BadBatch("A batch is larger than 128 KB.")
    _only(batch, _TOP, "the batch")
    for name, value in batch.items():
        _TOP[name](value, name)
    return batch


def identities_of(batch: Mapping[str, Any]) -> dict[str, str]:
    """Who a batch is about, by OpenDSR's names."""
    identities = {}
    if batch.get("mpid") is not None:
        identities["mpid"] = str(batch["mpid"])
    for place, names in (("user_identities", EVENT_USERS), ("device_info", EVENT_DEVICES)):
        for spelled, value in (batch.get(place) or {}).items():
            if spelled in names and value not in (None, ""):
                identities[names[spelled]] = str(value)
    return identities


def _only(given: Mapping[str, Any], known: Mapping[str, Any] | frozenset[str], where: str) -> None:
    for name in given:
        if name not in known:
            raise BadBatch(f"Property '{name[:60]}' has not been defined in {where}.")


def _refuse(name: str, wanted: str) -> BadBatch:
    return BadBatch(f"Property '{name}' is not {wanted}.")


def _text(value: Any, name: str) -> None:
    if value is not None and not isinstance(value, str | bool | int | float):
        raise _refuse(name, "a string")


def _integer(value: Any, name: str) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _refuse(name, "an integer")
    if value is not None and not -(2**63) <= value < 2**63:
        raise _refuse(name, "a 64-bit integer")


def _object(value: Any, name: str) -> None:
    if value is not None and not isinstance(value, dict):
        raise _refuse(name, "an object")


def _texts(value: Any, name: str) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise _refuse(name, "an array of strings")


def _environment(value: Any, name: str) -> None:
    if value not in ("production", "development"):
        raise _refuse(name, "production or development")


def _user_identities(value: Any, name: str) -> None:
    _object(value, name)
    _only(value or {}, frozenset(EVENT_USERS), name)
    for spelled, identity in (value or {}).items():
        _text(identity, spelled)


def _device_info(value: Any, name: str) -> None:
    _object(value, name)
    _only(value or {}, frozenset(EVENT_DEVICES) | _DEVICE_FACTS, name)
    for spelled, identity in (value or {}).items():
        _text(identity, spelled)
        if spelled in _UUID_DEVICES and identity is not None and not _UUID.fullmatch(str(identity)):
            raise _refuse(spelled, "a UUID")


def _attributes(value: Any, name: str) -> None:
    _object(value, name)
    for key, attribute in (value or {}).items():
        for one in attribute if isinstance(attribute, list) else [attribute]:
            _text(one, key[:60])


def _consent_state(value: Any, name: str) -> None:
    _object(value, name)
    _only(value or {}, frozenset({"gdpr", "ccpa"}), name)
    for regulation, purposes in (value or {}).items():
        if not isinstance(purposes, dict):
            raise _refuse(regulation, "an object")
        for consent in purposes.values():
            if not isinstance(consent, dict):
                raise _refuse(f"{regulation} consent", "an object")
            _only(consent, _CONSENT_FIELDS, f"{regulation} consent")
            for required in ("consented", "timestamp_unixtime_ms"):
                if required not in consent:
                    raise BadBatch(f"Required property '{required}' is missing from {regulation} consent.")
            if not isinstance(consent["consented"], bool | None):
                raise _refuse("consented", "a boolean")
            _integer(consent["timestamp_unixtime_ms"], "timestamp_unixtime_ms")
            for field in ("regulation", "document", "location", "hardware_id"):
                _text(consent.get(field), field)


def _events(value: Any, name: str) -> None:
    if value is not None and not isinstance(value, list):
        raise _refuse(name, "an array")
    for event in value or []:
        if not isinstance(event, dict) or event.get("event_type") not in EVENT_TYPES:
            raise BadBatch("An event has no known event_type.")
        if not isinstance(event.get("data"), dict):
            raise BadBatch("Required property 'data' is missing from an event.")
        _only(event, frozenset({"event_type", "data"}), "an event")


_TOP: dict[str, Callable[[Any, str], None]] = {
    "source_request_id": _text,
    "events": _events,
    "device_info": _device_info,
    "application_info": _object,
    "user_attributes": _attributes,
    "deleted_user_attributes": _texts,
    "user_identities": _user_identities,
    "environment": _environment,
    "api_key": _text,
    "api_keys": _texts,
    "ip": _text,
    "integration_attributes": _object,
    "context": _object,
    "partner_identity": _text,
    "partner_identities": _object,
    "source_info": _object,
    "mp_deviceid": _text,
    "attribution_info": _object,
    "timestamp_unixtime_ms": _integer,
    "batch_id": _integer,
    "mpid": _integer,
    "origin_mpid": _integer,
    "sdk_version": _text,
    "consent_state": _consent_state,
    "job_id": _text,
}
