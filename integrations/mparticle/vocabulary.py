"""IDSync's names of identity types and ours. What has no line here cannot be searched or changed there.

https://docs.mparticle.com/developers/apis/idsync/http/ (known_identities)
"""

from typing import Final

from integrations.types import IdentityType

IDSYNC_IDENTITIES: Final[dict[str, str]] = {
    IdentityType.CONTROLLER_CUSTOMER_ID: "customerid",
    IdentityType.EMAIL: "email",
    IdentityType.IOS_ADVERTISING_ID: "ios_idfa",
    IdentityType.IOS_VENDOR_ID: "ios_idfv",
    IdentityType.ANDROID_ADVERTISING_ID: "android_aaid",
    IdentityType.ANDROID_ID: "android_uuid",
    IdentityType.FIRE_ADVERTISING_ID: "fire_aid",
    IdentityType.ROKU_ADVERTISING_ID: "roku_aid",
    IdentityType.ROKU_PUBLISHER_ID: "roku_publisher_id",
    # The phone numbers are missing from the page; mParticle's own SDKs send them.
    IdentityType.MOBILE_NUMBER: "mobile_number",
    IdentityType.PHONE_NUMBER_2: "phone_number_2",
    IdentityType.PHONE_NUMBER_3: "phone_number_3",
    IdentityType.OTHER: "other",
    IdentityType.OTHER2: "other2",
    IdentityType.OTHER3: "other3",
    IdentityType.OTHER4: "other4",
    IdentityType.OTHER5: "other5",
    IdentityType.OTHER6: "other6",
    IdentityType.OTHER7: "other7",
    IdentityType.OTHER8: "other8",
    IdentityType.OTHER9: "other9",
    IdentityType.OTHER10: "other10",
}
OUR_IDENTITIES: Final[dict[str, str]] = {theirs: ours for ours, theirs in IDSYNC_IDENTITIES.items()}

# What names a device, not a person: never the login id of an identity strategy.
DEVICE_IDENTITIES: Final = frozenset(
    {
        IdentityType.ANDROID_ADVERTISING_ID,
        IdentityType.ANDROID_ID,
        IdentityType.FIRE_ADVERTISING_ID,
        IdentityType.IOS_ADVERTISING_ID,
        IdentityType.IOS_VENDOR_ID,
        IdentityType.MICROSOFT_ADVERTISING_ID,
        IdentityType.MICROSOFT_PUBLISHER_ID,
        IdentityType.ROKU_ADVERTISING_ID,
        IdentityType.ROKU_PUBLISHER_ID,
    }
)

# The processor's two environments are called the same there; `unknown` and others are refused.
ENVIRONMENTS: Final[dict[str, str]] = {"production": "production", "development": "development"}
