"""Types that cross the border between the cases and the processors: frozen values, no vendor words.

The vocabularies are the field's own (OpenDSR v3 and its mParticle extension).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from dsrportal.sentence import NOTHING, Sentence


class Regulation(TextChoices):
    GDPR = "gdpr", gettext_lazy("GDPR")
    CCPA = "ccpa", "CCPA"


class RequestType(TextChoices):
    ACCESS = "access", gettext_lazy("Access")
    PORTABILITY = "portability", gettext_lazy("Portability")
    ERASURE = "erasure", gettext_lazy("Erasure")
    OPT_OUT = "opt_out", gettext_lazy("Opt-out")
    CORRECTION = "correction", gettext_lazy("Correction")


class IdentityType(TextChoices):
    """The 25 identity types that an OpenDSR request to mParticle can carry."""

    EMAIL = "email", gettext_lazy("E-mail")
    CONTROLLER_CUSTOMER_ID = "controller_customer_id", gettext_lazy("Customer ID")
    MOBILE_NUMBER = "mobile_number", gettext_lazy("Mobile number")
    PHONE_NUMBER_2 = "phone_number_2", gettext_lazy("Phone number 2")
    PHONE_NUMBER_3 = "phone_number_3", gettext_lazy("Phone number 3")
    MPID = "mpid", gettext_lazy("mParticle ID")
    ANDROID_ADVERTISING_ID = "android_advertising_id", gettext_lazy("Android advertising ID")
    ANDROID_ID = "android_id", gettext_lazy("Android ID")
    FIRE_ADVERTISING_ID = "fire_advertising_id", gettext_lazy("Fire advertising ID")
    IOS_ADVERTISING_ID = "ios_advertising_id", gettext_lazy("iOS advertising ID")
    IOS_VENDOR_ID = "ios_vendor_id", gettext_lazy("iOS vendor ID")
    MICROSOFT_ADVERTISING_ID = "microsoft_advertising_id", gettext_lazy("Microsoft advertising ID")
    MICROSOFT_PUBLISHER_ID = "microsoft_publisher_id", gettext_lazy("Microsoft publisher ID")
    ROKU_ADVERTISING_ID = "roku_advertising_id", gettext_lazy("Roku advertising ID")
    ROKU_PUBLISHER_ID = "roku_publisher_id", gettext_lazy("Roku publisher ID")
    OTHER = "other", gettext_lazy("Other")
    OTHER2 = "other2", gettext_lazy("Other 2")
    OTHER3 = "other3", gettext_lazy("Other 3")
    OTHER4 = "other4", gettext_lazy("Other 4")
    OTHER5 = "other5", gettext_lazy("Other 5")
    OTHER6 = "other6", gettext_lazy("Other 6")
    OTHER7 = "other7", gettext_lazy("Other 7")
    OTHER8 = "other8", gettext_lazy("Other 8")
    OTHER9 = "other9", gettext_lazy("Other 9")
    OTHER10 = "other10", gettext_lazy("Other 10")


class ReportedStatus(TextChoices):
    """Where a processor says a request stands. A word it has no mapping for is `UNRECOGNISED`."""

    PENDING = "pending", gettext_lazy("Pending")
    IN_PROGRESS = "in_progress", gettext_lazy("In progress")
    COMPLETED = "completed", gettext_lazy("Completed")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")
    UNRECOGNISED = "unrecognised", gettext_lazy("Unrecognised")


class ReportedAnswer(TextChoices):
    """What a completed request amounts to, where the processor says more than that it is completed."""

    DONE = "done", gettext_lazy("Done")
    # Taken, and no later word can come.
    ACCEPTED = "accepted", gettext_lazy("Accepted")
    NO_DATA_HELD = "no_data_held", gettext_lazy("No data held")
    NOT_APPLICABLE = "not_applicable", gettext_lazy("Not applicable")


class PartnerStatus(TextChoices):
    """What a processor reports of one partner it forwards to. `SENT` is not proof of deletion."""

    PENDING = "pending", gettext_lazy("Pending")
    SKIPPED = "skipped", gettext_lazy("Skipped")
    SENT = "sent", gettext_lazy("Sent")
    FAILED = "failed", gettext_lazy("Failed")
    IN_PROGRESS = "in_progress", gettext_lazy("In progress")
    COMPLETED = "completed", gettext_lazy("Completed")
    UNRECOGNISED = "unrecognised", gettext_lazy("Unrecognised")


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity, as typed. Its value never shows in a repr, and so in no log or traceback."""

    type: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Correction:
    """One identity that is wrong: what it is, and what it shall be."""

    type: str
    old_value: str = field(repr=False)
    new_value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """What one request would ask, before it is one: for checking, splitting and previewing.

    `purposes` are what a GDPR opt-out takes back its consent to, by the names that the processor has for them.
    """

    request_type: str
    regulation: str
    identities: tuple[Identity, ...]
    skip_waiting_period: bool = False
    purposes: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """One request as it leaves. `request_id` stays the same through every retry."""

    request_id: UUID
    request_type: str
    regulation: str
    submitted_at: datetime
    identities: tuple[Identity, ...]
    skip_waiting_period: bool = False
    group_id: str = ""
    callback_url: str = ""
    purposes: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    # An earlier attempt may have arrived: nobody knows.
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question about one request that was sent. Its identities are opened only by a kind that has to name them."""

    request_id: UUID
    request_type: str
    sent_at: datetime | None
    open_identities: Callable[[], tuple[Identity, ...]] = field(repr=False)


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
    # Of a completed request; "" where completion says it all. The remark is a sentence for people beside it.
    answer: str = ""
    remark: Sentence = NOTHING


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
class Match:
    """Whether a processor knows a person now. `matched` are the types of those given identities that it found.

    `profile_id` is the processor's own name for the person (at mParticle the mpid), "" where it has none.
    """

    found: bool
    profile_id: str = field(default="", repr=False)
    matched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """One account that credentials give access to, to choose from."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class PackageMember:
    """One file of a result package: its name there, its size in bytes and its SHA-256 (hex), both unpacked."""

    name: str = field(repr=False)
    size_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class PackageSummary:
    """What a result package holds, for people. Everything in it is personal data.

    `fields` are (name, value) of the profile, `identities` (type in the package's words, value), `events` (kind,
    month as YYYY-MM, count), `leave_out` names of fields that a redacted copy can leave out. `empty` is a package that
    says it holds nothing. `doubt` is one word for why nobody may be shown this package, "" where there is no doubt.
    `unread_lines` are those that could not be read, and of which the rest says nothing.
    """

    members: tuple[PackageMember, ...] = ()
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    identities: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    events: tuple[tuple[str, str, int], ...] = field(default=(), repr=False)
    leave_out: tuple[str, ...] = field(default=(), repr=False)
    has_profile: bool = False
    empty: bool = False
    doubt: str = ""
    unread_lines: int = 0


@dataclass(frozen=True, slots=True)
class Secret:
    """One credential that a kind of processor holds.

    `sent_to` names the options whose addresses it is sent to; none: only the processor's own API address.
    """

    name: str
    label: Sentence
    help: Sentence = NOTHING
    required: bool = True
    sent_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose about a processor of a kind; stored as text. With `choices` it is one of those."""

    name: str
    label: Sentence
    help: Sentence = NOTHING
    choices: tuple[tuple[str, Sentence], ...] = ()
    default: str = ""
    required: bool = False
    multiline: bool = False
    is_address: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """One credential tried on its own API: what was tried, whether it works, one sentence on it.

    `key_field` names the secret or option to look at ("" where there is none to name); `is_set` is False where nothing
    is stored that could be tried, which is no failure.
    """

    name: Sentence
    works: bool
    sentence: Sentence
    key_field: str = ""
    is_set: bool = True


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
