"""Names of one and the same identity in each API. A profile keeps those of OpenDSR; the rest is spelling."""

from __future__ import annotations

from integrations.sandbox.mparticle.validation import EXTENSION_TYPES, STANDARD_TYPES

# Types that no OpenDSR request can carry (docs.mparticle.com, "IDSync HTTP API" and "JSON reference").
_OTHER_USERS = ("facebook", "google", "microsoft", "twitter", "yahoo")

# OpenDSR -> IDSync, where the two differ. Two types have no name in IDSync.
_IDSYNC_SPELLING = {
    "controller_customer_id": "customerid",
    "ios_advertising_id": "ios_idfa",
    "ios_vendor_id": "ios_idfv",
    "android_advertising_id": "android_aaid",
    "android_id": "android_uuid",
    "fire_advertising_id": "fire_aid",
    "roku_advertising_id": "roku_aid",
}
_NOT_IN_IDSYNC = frozenset({"microsoft_advertising_id", "microsoft_publisher_id", "mpid"})

IDSYNC: dict[str, str] = {
    **{
        _IDSYNC_SPELLING.get(name, name): name
        for name in (*STANDARD_TYPES, *EXTENSION_TYPES)
        if name not in _NOT_IN_IDSYNC
    },
    **{name: name for name in (*_OTHER_USERS, "facebookcustomaudienceid", "amp_id", "push_token")},
    "device_application_stamp": "device_application_stamp",
}

# Events -> OpenDSR: what stands in `user_identities`, and what in `device_info`.
EVENT_USERS: dict[str, str] = {
    "customer_id": "controller_customer_id",
    "email": "email",
    "other": "other",
    **{f"other_id_{number}": f"other{number}" for number in range(2, 11)},
    "mobile_number": "mobile_number",
    "phone_number_2": "phone_number_2",
    "phone_number_3": "phone_number_3",
    **{name: name for name in _OTHER_USERS},
    "facebook_custom_audience_id": "facebookcustomaudienceid",
    "alias": "alias",
}
EVENT_DEVICES: dict[str, str] = {
    "ios_advertising_id": "ios_advertising_id",
    "ios_idfv": "ios_vendor_id",
    "android_advertising_id": "android_advertising_id",
    "android_uuid": "android_id",
    "fire_advertising_id": "fire_advertising_id",
    "roku_advertising_id": "roku_advertising_id",
    "roku_publisher_id": "roku_publisher_id",
    "microsoft_advertising_id": "microsoft_advertising_id",
    "microsoft_publisher_id": "microsoft_publisher_id",
    "amp_id": "amp_id",
    "push_token": "push_token",
}

# OpenDSR -> the profile in a result file (docs.mparticle.com, "Profile API").
PROFILE_SPELLING = {
    "controller_customer_id": "customer_id",
    "android_advertising_id": "google_advertising_id",
}

DEVICE_TYPES = frozenset(
    name
    for name in (*STANDARD_TYPES, "amp_id", "push_token", "device_application_stamp")
    if name.endswith(("_advertising_id", "_vendor_id", "_publisher_id", "android_id"))
    or name in ("amp_id", "push_token", "device_application_stamp")
)

# The order in which an identity decides who is meant, as in the vendor's default identity priority.
PRIORITY = (
    "mpid", "controller_customer_id", "email", "mobile_number", "phone_number_2", "phone_number_3", "other",
    *(f"other{number}" for number in range(2, 11)),
)  # fmt: skip
