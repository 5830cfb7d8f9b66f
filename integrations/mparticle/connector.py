"""mParticle: data subject requests over OpenDSR v3, one workspace per processor.

https://docs.mparticle.com/developers/apis/dsr-api/v3/
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from django.utils import timezone

from integrations import http, limits
from integrations.connector import REQUESTS, Capability, Connector
from integrations.errors import (
    Expired,
    IntegrationError,
    NothingFound,
    NotVerified,
    Rejected,
    Unauthorized,
    UnexpectedAnswer,
)
from integrations.http import Timeouts
from integrations.mparticle import archives
from integrations.opendsr import callbacks, drafts
from integrations.opendsr.certificates import verify_bundle
from integrations.opendsr.client import Client, Credentials
from integrations.types import (
    Budget,
    CallbackContent,
    ConnectionCheck,
    Draft,
    Identity,
    Inquiry,
    Limit,
    OutgoingRequest,
    Report,
    RequestType,
    ResultStream,
    Secret,
    VerifiedCallback,
)

EXTENSION_DOMAIN = "opendsr.mparticle.com"
# Where discovery says the certificate is; OpenDSR 6.3 would have it on the API's own host.
CERTIFICATE_HOST = "static.mparticle.com"
# https://docs.mparticle.com/guides/default-service-limits/, per workspace: GET, POST and DELETE together, and new
# requests among them.
LIMITS = Budget(calls=Limit(1000, 60), new_requests=(Limit(26_666, 8 * 3600), Limit(80_000, 24 * 3600)))
# https://docs.mparticle.com/guides/data-subject-requests/: seven days to cancel, then up to fourteen; fourteen in all
# where the waiting is skipped. Access is gathered on Mondays and Thursdays, and has a margin of 48 hours.
LONGEST_ERASURE = timedelta(days=21)
LONGEST_ERASURE_WITHOUT_WAITING = timedelta(days=14)
LONGEST_ACCESS = timedelta(days=6)

_CERTIFICATE_LIMIT_BYTES = 64 * 1024
# A callback waits for both calls together.
_CERTIFICATE_TIMEOUTS = Timeouts(connect=1.5, read=1.5, total=2.0)


class MParticle(Connector):
    kind: ClassVar[str] = "mparticle"
    label: ClassVar[str] = "mParticle workspace"
    description: ClassVar[str] = (
        "One workspace at mParticle: its data subject requests, and with further keys its profile search and opt-outs."
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ACCESS,
            Capability.PORTABILITY,
            Capability.ERASURE,
            Capability.CANCEL,
            Capability.REPORTS,
            Capability.GROUPS,
            Capability.RESULTS,
            Capability.CALLBACKS,
        }
    )
    account_label: ClassVar[str] = "Workspace ID"
    account_help: ClassVar[str] = (
        "Workspace Settings in mParticle; answers and callbacks carry it as controller_id."
    )
    default_base_url: ClassVar[str] = "https://opendsr.mparticle.com/v3"
    default_domain: ClassVar[str] = EXTENSION_DOMAIN
    has_environments: ClassVar[bool] = True
    connects_with: ClassVar[tuple[str, ...]] = ("oauth_client_id", "oauth_client_secret", "oauth_account")
    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("workspace_key", "Workspace key", "Workspace Settings; for data subject requests."),
        Secret("workspace_secret", "Workspace secret"),
    )
    group_size: ClassVar[int] = 150

    def check(self, draft: Draft) -> list[str]:
        return drafts.check(draft)

    def split(self, draft: Draft) -> list[tuple[Identity, ...]]:
        return drafts.split(draft)

    def submit(self, request: OutgoingRequest) -> Report:
        return self._client().create(request)

    def report(self, inquiry: Inquiry) -> Report:
        return self._client().status(inquiry.request_id)

    def report_group(self, group_id: str) -> list[Report]:
        return self._client().group(group_id)

    def cancel(self, request_id: UUID) -> None:
        """Only while pending; what partners were told already is not recalled."""
        self._client().cancel(request_id)

    @contextmanager
    def fetch_result(self, inquiry: Inquiry, url: str, *, limit_bytes: int) -> Iterator[ResultStream]:
        """The download needs the workspace's credentials (not documented; production clients send them), so
        they go to an address below the API's own and to no other, redirects included.

        404 is the documented answer where no record matches the identities, 410 after seven days. The chunks raise
        UnexpectedAnswer at their end where they were not the whole file.
        """
        if not self._is_below_base(url):
            raise Rejected("The result's address is not below the API address; nothing was sent there.")
        headers = {"Authorization": self._credentials().header}
        with http.stream(
            self.processor,
            url,
            template="/{result}",
            headers=headers,
            limit_bytes=limit_bytes,
            may_follow=self._is_below_base,
        ) as answer:
            if answer.status != 200:
                raise self._no_result(answer.status)
            kind = answer.headers.get("content-type", "")
            yield ResultStream(content_type=kind, chunks=archives.whole(answer.chunks, content_type=kind))

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> VerifiedCallback:
        return callbacks.verify_callback(
            self.processor, headers, body, fetch=self._fetch_certificate, at=timezone.now()
        )

    def read_callback(self, body: bytes) -> CallbackContent:
        return callbacks.read_callback(body)

    def test_connection(self) -> list[ConnectionCheck]:
        return [
            _checked("Workspace key", self._check_key),
            _checked("Callback certificate", self._check_certificate),
        ]

    def budget(self, api: str = REQUESTS) -> Budget:
        return limits.read(self.processor.limits, otherwise=LIMITS)

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        if request_type != RequestType.ERASURE:
            return LONGEST_ACCESS
        return LONGEST_ERASURE_WITHOUT_WAITING if skip_waiting_period else LONGEST_ERASURE

    def _check_key(self) -> str:
        self._client().probe()
        return "mParticle accepts the workspace key and secret."

    def _check_certificate(self) -> str:
        key = verify_bundle(
            self._fetch_certificate(),
            domain=self.processor.domain,
            extra_signing_roots=self.processor.extra_signing_roots,
            at=timezone.now(),
        )
        return f"Callbacks can be verified: the certificate is valid until {key.not_after:%Y-%m-%d}."

    def _fetch_certificate(self) -> bytes:
        """The bundle at the address that discovery names, if its host is one we expect.

        Outside the call budget: a callback must not fail because requests are being sent, and it is asked
        for about once in the life of a certificate.
        """
        discovery = self._client().discovery(timeouts=_CERTIFICATE_TIMEOUTS, within_budget=False)
        url = discovery.get("processor_certificate")
        if not isinstance(url, str) or not self._may_serve_certificate(url):
            raise Rejected("Discovery names a certificate address that is not https on an allowed host.")
        answer = http.call(
            self.processor,
            "GET",
            url,
            template="/{certificate}",
            limit_bytes=_CERTIFICATE_LIMIT_BYTES,
            timeouts=_CERTIFICATE_TIMEOUTS,
            within_budget=False,
        )
        if answer.status != 200 or not answer.body:
            raise UnexpectedAnswer(
                "The certificate's address gives no certificate.",
                http_status=answer.status,
                size=len(answer.body),
            )
        return answer.body

    def _may_serve_certificate(self, url: str) -> bool:
        place = _place(url)
        allowed = [self.processor.api_address, f"https://{CERTIFICATE_HOST}"]
        allowed += [f"https://{host}" for host in self.processor.certificate_hosts]
        return place is not None and any(place[1:] == _host_and_port(other) for other in allowed)

    def _is_below_base(self, url: str) -> bool:
        """Scheme, host, port and path prefix, parsed: `…mparticle.com.evil` begins with the same letters."""
        place, base = _place(url), _place(self.processor.api_address)
        if place is None or base is None or place[1:] != base[1:]:
            return False
        path, prefix = place[0].path, base[0].path.rstrip("/") + "/"
        plain = ".." not in path and "%2e" not in path.lower() and "\\" not in path
        return plain and path.startswith(prefix)

    def _no_result(self, status: int) -> IntegrationError:
        if status == 404:
            return NothingFound("mParticle holds no record that matches the identities.", http_status=status)
        if status == 410:
            return Expired("The result was kept for seven days and is gone.", http_status=status)
        if status in (401, 403):
            return Unauthorized(
                "mParticle refused the credentials.", key_field="workspace_key", http_status=status
            )
        return UnexpectedAnswer(f"The result's address answered with status {status}.", http_status=status)

    def _client(self) -> Client:
        return Client(
            processor=self.processor,
            credentials=self._credentials(),
            extension_domain=EXTENSION_DOMAIN,
            vendor="mParticle",
        )

    def _credentials(self) -> Credentials:
        held = self.processor.credentials
        return Credentials(
            name=held.get("workspace_key", ""),
            secret=held.get("workspace_secret", ""),
            key_field="workspace_key",
        )


def _checked(name: str, check: Callable[[], str]) -> ConnectionCheck:
    try:
        return ConnectionCheck(name=name, works=True, sentence=check())
    except (IntegrationError, NotVerified) as error:
        return ConnectionCheck(name=name, works=False, sentence=error.sentence)


def _place(url: str) -> tuple[SplitResult, str, int] | None:
    """(parts, host, port) of an https address without user info; None for any other."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return None
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
        return None
    return parts, parts.hostname, port


def _host_and_port(url: str) -> tuple[str, int] | None:
    place = _place(url)
    return None if place is None else place[1:]
