"""mParticle: data subject requests over OpenDSR v3, opt-outs and corrections on profiles, one workspace per processor.

https://docs.mparticle.com/developers/apis/dsr-api/v3/
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import BinaryIO, ClassVar, Final

from dsrportal.sentence import Sentence, Word
from integrations import limits
from integrations.connector import REQUESTS, Capability
from integrations.errors import UnknownRequest, Unsupported
from integrations.mparticle import (
    archives,
    checks,
    corrections,
    events,
    fields,
    idsync,
    optouts,
    packages,
    places,
    tokens,
)
from integrations.mparticle.events import Events
from integrations.mparticle.idsync import IdSync
from integrations.mparticle.platform import Platform
from integrations.mparticle.vocabulary import DEVICE_IDENTITIES
from integrations.opendsr.client import Credentials
from integrations.opendsr.connector import OpenDsr
from integrations.opendsr.vocabulary import EXTENSION_IDENTITIES, GROUP_LIMIT, STANDARD_IDENTITIES
from integrations.types import (
    Budget,
    ConnectionCheck,
    Draft,
    Identity,
    Inquiry,
    Limit,
    Match,
    Option,
    PackageSummary,
    Report,
    RequestType,
    Secret,
    Submission,
    Workspace,
)

EXTENSION_DOMAIN: Final = "opendsr.mparticle.com"
# Where discovery says the certificate is; OpenDSR 6.3 would have it on the API's own host.
CERTIFICATE_ADDRESS: Final = "https://static.mparticle.com"
# https://docs.mparticle.com/guides/default-service-limits/, per workspace: GET, POST and DELETE together, and new
# requests among them.
LIMITS: Final = Budget(
    calls=Limit(1000, 60), new_requests=(Limit(26_666, 8 * 3600), Limit(80_000, 24 * 3600))
)
OTHER_LIMITS: Final[dict[str, Budget]] = {
    # 270 batches a second, for the whole account.
    events.API: Budget(calls=Limit(270 * 60, 60)),
    # No number is published for these two. Searches are as many as requests, so they get as much; the Platform API is
    # asked when a person clicks.
    idsync.API: Budget(calls=Limit(1000, 60)),
    tokens.API: Budget(calls=Limit(10, 1)),
}
# https://docs.mparticle.com/guides/data-subject-requests/: seven days to cancel, then up to fourteen; fourteen in all
# where the waiting is skipped. Access is gathered on Mondays and Thursdays, and has a margin of 48 hours.
LONGEST_ERASURE: Final = timedelta(days=21)
LONGEST_ERASURE_WITHOUT_WAITING: Final = timedelta(days=14)
LONGEST_ACCESS: Final = timedelta(days=6)
# What is no data subject request there is answered at once.
LONGEST_CHANGE: Final = timedelta(hours=1)
_ON_PROFILES: Final = frozenset({RequestType.OPT_OUT, RequestType.CORRECTION})
ONLY_DEVICES: Final = Sentence(
    "Only device IDs are given. With these, mParticle finds profiles without a login, but none with a "
    "login. Add the e-mail address or the customer ID."
)


class MParticle(OpenDsr):
    kind: ClassVar[str] = "mparticle"
    label: ClassVar[Sentence] = Sentence("mParticle workspace")
    description: ClassVar[Sentence] = Sentence(
        "One mParticle workspace: its data subject requests and, with further keys, its profile search "
        "and opt-outs."
    )
    capabilities: ClassVar[frozenset[Capability]] = OpenDsr.capabilities | {
        Capability.OPT_OUT,
        Capability.CORRECTION,
        Capability.GROUPS,
        Capability.SEARCH,
        Capability.WORKSPACES,
    }
    account_label: ClassVar[Sentence] = Sentence("Workspace ID")
    account_help: ClassVar[Sentence] = Sentence(
        "From Workspace Settings in mParticle. Responses and callbacks contain it as controller_id."
    )
    default_base_url: ClassVar[str] = "https://opendsr.mparticle.com/v3"
    default_domain: ClassVar[str] = EXTENSION_DOMAIN
    has_environments: ClassVar[bool] = True
    connects_with: ClassVar[tuple[str, ...]] = fields.PLATFORM
    secrets: ClassVar[tuple[Secret, ...]] = fields.SECRETS
    options: ClassVar[tuple[Option, ...]] = fields.OPTIONS
    group_size: ClassVar[int] = GROUP_LIMIT
    identity_types: ClassVar[frozenset[str]] = frozenset({*STANDARD_IDENTITIES, *EXTENSION_IDENTITIES})
    skips_waiting_period: ClassVar[bool] = True
    key_fields: ClassVar[tuple[str, str]] = ("workspace_key", "workspace_secret")
    certificate_addresses: ClassVar[tuple[str, ...]] = (CERTIFICATE_ADDRESS,)
    usual_budget: ClassVar[Budget] = LIMITS

    @property
    def vendor(self) -> str:
        return "mParticle"

    @property
    def extension_domain(self) -> str:
        return EXTENSION_DOMAIN

    # --- before a request is one

    def cannot(self, draft: Draft) -> Sentence | None:
        if draft.request_type not in _ON_PROFILES:
            return super().cannot(draft)
        missing = fields.missing(self.processor, fields.INPUT)
        what = Word(RequestType(draft.request_type).label)
        return (
            Sentence(
                "%(processor)s needs %(fields)s for this type (%(what)s).",
                processor=self.processor.name,
                fields=fields.labels_text(missing),
                what=what,
            )
            if missing
            else None
        )

    def check(self, draft: Draft) -> list[Sentence]:
        if draft.request_type == RequestType.OPT_OUT:
            return optouts.check(draft, purposes=self._purposes())
        if draft.request_type == RequestType.CORRECTION:
            return corrections.check(draft)
        return super().check(draft)

    def warn(self, draft: Draft) -> list[Sentence]:
        if draft.request_type == RequestType.OPT_OUT:
            return [optouts.FORWARDING]
        if draft.request_type == RequestType.CORRECTION:
            return []
        warnings = super().warn(draft)
        # https://docs.mparticle.com/guides/data-subject-requests/: a request without a login id of the identity
        # strategy never touches a known profile.
        if draft.identities and all(identity.type in DEVICE_IDENTITIES for identity in draft.identities):
            warnings.append(ONLY_DEVICES)
        attribute, missing = self._exclusion(), fields.missing(self.processor, fields.INPUT)
        if draft.request_type == RequestType.ERASURE and attribute and missing:
            warnings.append(
                Sentence(
                    "%(processor)s does not set its exclusion attribute. It needs %(fields)s.",
                    processor=self.processor.name,
                    fields=fields.labels_text(missing),
                )
            )
        return warnings

    def split(self, draft: Draft) -> list[tuple[Identity, ...]]:
        """An opt-out and a correction are about a profile, and all identities help to find it."""
        if draft.request_type in _ON_PROFILES:
            return [tuple(dict.fromkeys(draft.identities))] if draft.identities else []
        return super().split(draft)

    def search(self, identities: Sequence[Identity]) -> Match:
        """Of several profiles the first, with what any of them matched."""
        found = self._idsync().search(identities)
        matched = tuple(dict.fromkeys(kind for match in found for kind in match.matched))
        return Match(found=bool(found), profile_id=found[0].profile_id if found else "", matched=matched)

    # --- the request

    def submit(self, request: Submission) -> Report:
        if request.request_type == RequestType.OPT_OUT:
            document = self.processor.option("consent_document").strip()
            return optouts.carry_out(request, idsync=self._idsync(), events=self._events(), document=document)
        if request.request_type == RequestType.CORRECTION:
            return corrections.carry_out(request, idsync=self._idsync())
        if request.request_type == RequestType.ERASURE:
            self._exclude(request)
        return super().submit(request)

    def _exclude(self, request: Submission) -> None:
        """Mark the profiles before they are gone, so that filters keep new data of this person out meanwhile.

        First, and not after: once the request is there, a failure of this would be taken for one of the request.
        """
        attribute = self._exclusion()
        if not attribute or fields.missing(self.processor, fields.INPUT):
            return
        sender = self._events()
        for mpid in optouts.profiles(request.identities, idsync=self._idsync()):
            sender.send(
                events.exclusion_batch(
                    request.request_id,
                    mpid=mpid,
                    environment=self.processor.environment,
                    attribute=attribute,
                )
            )

    def repeats_safely(self, request_type: str) -> bool:
        return request_type in _ON_PROFILES

    def counts_as_new(self, request_type: str) -> bool:
        return request_type not in _ON_PROFILES

    def report(self, inquiry: Inquiry) -> Report:
        """Raises UnknownRequest for opt-outs and corrections, of which mParticle keeps no record."""
        if inquiry.request_type in _ON_PROFILES:
            raise UnknownRequest(
                Sentence("mParticle keeps no record of opt-outs and corrections that could be checked.")
            )
        return super().report(inquiry)

    def report_group(self, group_id: str) -> list[Report]:
        return self._client().group(group_id)

    # --- results

    def whole(self, chunks: Iterator[bytes], *, content_type: str) -> Iterator[bytes]:
        return archives.whole(chunks, content_type=content_type)

    def summarise(self, package: BinaryIO, *, submitted: Sequence[Identity]) -> PackageSummary:
        return packages.summarise(package, submitted=submitted)

    def redact(
        self, package: BinaryIO, *, members: frozenset[str], fields: frozenset[str]
    ) -> Iterator[bytes]:
        return packages.redact(package, members=members, fields=fields)

    # --- the account

    def test_connection(self) -> list[ConnectionCheck]:
        no_input = fields.missing(self.processor, fields.INPUT)
        no_platform = fields.missing(self.processor, fields.PLATFORM)
        return [
            *super().test_connection(),
            *checks.of_input(
                None if no_input else self._idsync(), None if no_input else self._events(), missing=no_input
            ),
            checks.of_platform(
                None if no_platform else self._platform(),
                missing=no_platform,
                workspace=self.processor.account,
            ),
        ]

    def list_workspaces(self) -> list[Workspace]:
        return self._platform().workspaces()

    def budget(self, api: str = REQUESTS) -> Budget:
        """The limits that a person typed are those of data subject requests."""
        if api == REQUESTS:
            return limits.read(self.processor.limits, otherwise=LIMITS)
        return OTHER_LIMITS[api]

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        if request_type in _ON_PROFILES:
            return LONGEST_CHANGE
        if request_type != RequestType.ERASURE:
            return LONGEST_ACCESS
        return LONGEST_ERASURE_WITHOUT_WAITING if skip_waiting_period else LONGEST_ERASURE

    def _purposes(self) -> list[str]:
        return [line for line in map(str.strip, self.processor.option("gdpr_purposes").splitlines()) if line]

    def _exclusion(self) -> str:
        return self.processor.option("exclusion_attribute").strip()

    def _idsync(self) -> IdSync:
        return IdSync(
            processor=self.processor,
            credentials=self._held(fields.INPUT),
            address=places.identity(self.processor),
            signed=self.processor.option("identity_auth") == "hmac",
        )

    def _events(self) -> Events:
        return Events(
            processor=self.processor,
            credentials=self._held(fields.INPUT),
            address=places.events(self.processor),
        )

    def _platform(self) -> Platform:
        return Platform(
            processor=self.processor,
            credentials=self._held(fields.PLATFORM),
            address=places.platform(self.processor),
            sso=places.sso(self.processor),
            account=self.processor.option("oauth_account").strip(),
        )

    def _held(self, names: tuple[str, ...]) -> Credentials:
        """A key and its secret. Raises Unsupported where anything of these names is not stored."""
        missing = fields.missing(self.processor, names)
        if missing:
            raise Unsupported(
                Sentence(
                    "%(processor)s needs %(fields)s for this.",
                    processor=self.processor.name,
                    fields=fields.labels_text(missing),
                )
            )
        held = self.processor.credentials
        return Credentials(name=held[names[0]], secret=held[names[1]], key_field=names[0])
