"""OpenDSR v3's words and ours, one table per vocabulary. A word without a line is kept raw, never guessed.

https://docs.mparticle.com/developers/apis/dsr-api/v3/
"""

from typing import Final

from integrations.types import IdentityType, PartnerStatus, Regulation, ReportedStatus, RequestType

API_VERSION: Final = "3.0"

# Limits of one request and of one group.
IDENTITY_LIMIT: Final = 50
GROUP_LIMIT: Final = 150

REQUEST_TYPES: Final[dict[str, str]] = {
    RequestType.ACCESS: "access",
    RequestType.PORTABILITY: "portability",
    RequestType.ERASURE: "erasure",
}

REGULATIONS: Final[dict[str, str]] = {
    Regulation.GDPR: "gdpr",
    Regulation.CCPA: "ccpa",
}

# There is no word for failure: an overdue request just stays pending or in progress.
STATUSES: Final[dict[str, ReportedStatus]] = {
    "pending": ReportedStatus.PENDING,
    "in_progress": ReportedStatus.IN_PROGRESS,
    "completed": ReportedStatus.COMPLETED,
    "cancelled": ReportedStatus.CANCELLED,
}

PARTNER_STATUSES: Final[dict[str, PartnerStatus]] = {
    "pending": PartnerStatus.PENDING,
    "skipped": PartnerStatus.SKIPPED,
    "sent": PartnerStatus.SENT,
    "failed": PartnerStatus.FAILED,
    # In older guides only.
    "in_progress": PartnerStatus.IN_PROGRESS,
    "completed": PartnerStatus.COMPLETED,
}

# The protocol's own types, in `subject_identities`.
STANDARD_IDENTITIES: Final[dict[str, str]] = {
    IdentityType.CONTROLLER_CUSTOMER_ID: "controller_customer_id",
    IdentityType.EMAIL: "email",
    IdentityType.ANDROID_ADVERTISING_ID: "android_advertising_id",
    IdentityType.ANDROID_ID: "android_id",
    IdentityType.FIRE_ADVERTISING_ID: "fire_advertising_id",
    IdentityType.IOS_ADVERTISING_ID: "ios_advertising_id",
    IdentityType.IOS_VENDOR_ID: "ios_vendor_id",
    IdentityType.MICROSOFT_ADVERTISING_ID: "microsoft_advertising_id",
    IdentityType.MICROSOFT_PUBLISHER_ID: "microsoft_publisher_id",
    IdentityType.ROKU_ADVERTISING_ID: "roku_advertising_id",
    # The identity table says roku_publishing_id; the discovery example and OpenDSR 5.1 say publisher.
    IdentityType.ROKU_PUBLISHER_ID: "roku_publisher_id",
}

# The vendor's, in `extensions[<its domain>].subject_identities`.
EXTENSION_IDENTITIES: Final[dict[str, str]] = {
    IdentityType.MPID: "mpid",
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

# The only identity of its whole request; 400 otherwise.
ALONE: Final = IdentityType.MPID
