"""What crosses the border between the cases and the processors: frozen values, no vendor words.

The vocabularies are the field's own (OpenDSR v3 and its mParticle extension).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import TextChoices


class Regulation(TextChoices):
    GDPR = "gdpr", "GDPR"
    CCPA = "ccpa", "CCPA"


class RequestType(TextChoices):
    ACCESS = "access", "Access"
    PORTABILITY = "portability", "Portability"
    ERASURE = "erasure", "Erasure"
    OPT_OUT = "opt_out", "Opt-out"
    CORRECTION = "correction", "Correction"


class IdentityType(TextChoices):
    """The 25 identity types that an OpenDSR request to mParticle can carry."""

    EMAIL = "email", "E-mail"
    CONTROLLER_CUSTOMER_ID = "controller_customer_id", "Customer ID"
    MOBILE_NUMBER = "mobile_number", "Mobile number"
    PHONE_NUMBER_2 = "phone_number_2", "Phone number 2"
    PHONE_NUMBER_3 = "phone_number_3", "Phone number 3"
    MPID = "mpid", "mParticle ID"
    ANDROID_ADVERTISING_ID = "android_advertising_id", "Android advertising ID"
    ANDROID_ID = "android_id", "Android ID"
    FIRE_ADVERTISING_ID = "fire_advertising_id", "Fire advertising ID"
    IOS_ADVERTISING_ID = "ios_advertising_id", "iOS advertising ID"
    IOS_VENDOR_ID = "ios_vendor_id", "iOS vendor ID"
    MICROSOFT_ADVERTISING_ID = "microsoft_advertising_id", "Microsoft advertising ID"
    MICROSOFT_PUBLISHER_ID = "microsoft_publisher_id", "Microsoft publisher ID"
    ROKU_ADVERTISING_ID = "roku_advertising_id", "Roku advertising ID"
    ROKU_PUBLISHER_ID = "roku_publisher_id", "Roku publisher ID"
    OTHER = "other", "Other"
    OTHER2 = "other2", "Other 2"
    OTHER3 = "other3", "Other 3"
    OTHER4 = "other4", "Other 4"
    OTHER5 = "other5", "Other 5"
    OTHER6 = "other6", "Other 6"
    OTHER7 = "other7", "Other 7"
    OTHER8 = "other8", "Other 8"
    OTHER9 = "other9", "Other 9"
    OTHER10 = "other10", "Other 10"


class ReportedStatus(TextChoices):
    """Where a processor says a request stands. A word it has no mapping for is `UNRECOGNISED`."""

    PENDING = "pending", "Pending"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    UNRECOGNISED = "unrecognised", "Unrecognised"


class PartnerStatus(TextChoices):
    """What a processor reports of one partner it forwards to. `SENT` is not proof of deletion."""

    PENDING = "pending", "Pending"
    SKIPPED = "skipped", "Skipped"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    UNRECOGNISED = "unrecognised", "Unrecognised"


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity, as typed. Its value never shows in a repr, and so in no log or traceback."""

    type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """What one request would ask, before it is one: for checking, splitting and previewing."""

    request_type: str
    regulation: str
    identities: tuple[Identity, ...]
    skip_waiting_period: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """One request as it leaves. `request_id` stays the same through every retry."""

    request_id: UUID
    request_type: str
    regulation: str
    submitted_at: datetime
    identities: tuple[Identity, ...]
    skip_waiting_period: bool
    group_id: str
    callback_url: str


@dataclass(frozen=True, slots=True)
class PartnerReport:
    domain: str
    name: str
    status: PartnerStatus
    raw_status: str
    message: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What a processor says of one request, in an answer or in a callback.

    `account` is the processor's own name for the workspace that answered ("" if it did not say);
    `raw_status` is its word, kept beside ours. `partners` is None where it said nothing of partners.
    """

    request_id: UUID
    status: ReportedStatus
    raw_status: str
    account: str = ""
    expected_completion_at: datetime | None = None
    expected_completion_raw: str = ""
    results_url: str = ""
    partners: tuple[PartnerReport, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackContent:
    """What a callback says. `report` is None where the body could not be read; `problem` says why in a word."""

    report: Report | None
    callback_url: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCallback(CallbackContent):
    """A callback whose bytes are proven to come from the processor's vendor.

    A valid signature proves the vendor, not that the callback is for us: the caller compares
    `report.account`, `report.request_id` and `callback_url` with its own.
    """

    certificate_pem: bytes = field(repr=False)
    certificate_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ResultStream:
    """A result file on its way in: read `chunks` once, inside the `with` that gave it."""

    content_type: str
    chunks: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """One credential tried on its own API: what was tried, whether it works, one sentence on it."""

    name: str
    works: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in any window of `seconds`."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What one API of a processor allows: calls of any method, and new requests among them, over each window at once.

    The window of `calls` is kept smooth; those of `new_requests` are counted.
    """

    calls: Limit
    new_requests: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Used:
    """How much of our share of one window is used: `count` of `share`, with what the vendor allows beside it."""

    limit: Limit
    share: int
    count: int


@dataclass(frozen=True, slots=True)
class BudgetState:
    """One budget at one moment. `effort` is the percentage of the full pace that is used while it ramps up.

    `wait_seconds` until the next call of any kind, `new_request_wait_seconds` until the next new request.
    """

    calls: Used
    new_requests: tuple[Used, ...]
    effort: int
    wait_seconds: float
    new_request_wait_seconds: float
