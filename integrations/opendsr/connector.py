"""Any processor that speaks OpenDSR v3 over HTTPS with Basic credentials, by configuration alone.

A vendor with words, limits and APIs of its own subclasses this and changes those.
https://github.com/opengdpr/OpenDSR/blob/master/specification.md
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.utils import timezone

from dsrportal.sentence import Sentence, Word
from integrations import http, limits
from integrations.connector import REQUESTS, Capability, Connector
from integrations.errors import Expired, IntegrationError, NothingFound, Rejected, UnexpectedAnswer
from integrations.http import Timeouts
from integrations.opendsr import addresses, callbacks, drafts
from integrations.opendsr.certificates import verify_bundle
from integrations.opendsr.checks import checked
from integrations.opendsr.client import Client, Credentials
from integrations.opendsr.vocabulary import STANDARD_IDENTITIES
from integrations.types import (
    Budget,
    CallbackContent,
    ConnectionCheck,
    Draft,
    Identity,
    Inquiry,
    Limit,
    Option,
    Report,
    RequestType,
    ResultStream,
    Secret,
    Submission,
    VerifiedCallback,
)

_CERTIFICATE_LIMIT_BYTES = 64 * 1024
# A callback waits for both calls together.
_CERTIFICATE_TIMEOUTS = Timeouts(connect=1.5, read=1.5, total=2.0)
_USUAL_DAYS = 30
_MOST_DAYS = 366


class OpenDsr(Connector):
    kind: ClassVar[str] = "opendsr"
    label: ClassVar[Sentence] = Sentence("OpenDSR processor")
    description: ClassVar[Sentence] = Sentence(
        "Any system that accepts data subject requests over OpenDSR version 3. It needs an address, a "
        "domain and a key."
    )
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.ACCESS,
            Capability.PORTABILITY,
            Capability.ERASURE,
            Capability.CANCEL,
            Capability.REPORTS,
            Capability.RESULTS,
            Capability.CALLBACKS,
        }
    )
    account_label: ClassVar[Sentence] = Sentence("Controller ID")
    account_help: ClassVar[Sentence] = Sentence(
        "The processor’s name for you. Its responses contain it as controller_id."
    )
    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("key", Sentence("Key"), Sentence("User name for HTTP Basic at the processor's API.")),
        Secret("secret", Sentence("Secret")),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "erasure_days",
            Sentence("Days for an erasure"),
            Sentence(
                "The longest time an erasure takes there, from receipt to completion. Anything longer "
                "counts as late."
            ),
            default=str(_USUAL_DAYS),
        ),
        Option(
            "access_days",
            Sentence("Days for access"),
            Sentence("The longest time access or portability takes there, from receipt to completion."),
            default=str(_USUAL_DAYS),
        ),
    )
    # What a request can carry, and whether it can ask for the waiting period to be skipped: the rest is in extensions
    # of the protocol, which belong to vendors.
    identity_types: ClassVar[frozenset[str]] = frozenset(STANDARD_IDENTITIES)
    skips_waiting_period: ClassVar[bool] = False
    # The names of the credentials for data subject requests: of the key and of its secret.
    key_fields: ClassVar[tuple[str, str]] = ("key", "secret")
    # Where certificates may come from, besides the API's own host and those that the processor names.
    certificate_addresses: ClassVar[tuple[str, ...]] = ()
    # The protocol names no limits: five calls a second, until the processor says what it is allowed.
    usual_budget: ClassVar[Budget] = Budget(calls=Limit(300, 60))

    @property
    def vendor(self) -> str:
        """How sentences call whoever answers."""
        return self.processor.name

    @property
    def extension_domain(self) -> str:
        return self.processor.domain

    # --- before a request is one

    def cannot(self, draft: Draft) -> Sentence | None:
        if draft.identities and not self._carried(draft).identities:
            return Sentence(
                "%(processor)s accepts only the identifier types of OpenDSR itself, and none of them is "
                "given.",
                processor=self.processor.name,
            )
        return None

    def check(self, draft: Draft) -> list[Sentence]:
        return drafts.check(self._carried(draft), grouped=bool(self.group_size))

    def warn(self, draft: Draft) -> list[Sentence]:
        warnings: list[Sentence] = []
        if len(self._carried(draft).identities) < len(draft.identities):
            warnings.append(
                Sentence(
                    "%(processor)s does not receive identifiers of types that it does not accept.",
                    processor=self.processor.name,
                )
            )
        if draft.skip_waiting_period and not self.skips_waiting_period:
            warnings.append(
                Sentence("%(processor)s cannot skip its waiting period.", processor=self.processor.name)
            )
        return warnings

    def split(self, draft: Draft) -> list[tuple[Identity, ...]]:
        return drafts.split(self._carried(draft))

    def _carried(self, draft: Draft) -> Draft:
        return replace(
            draft, identities=tuple(each for each in draft.identities if each.type in self.identity_types)
        )

    # --- the request

    def submit(self, request: Submission) -> Report:
        skip = request.skip_waiting_period and self.skips_waiting_period
        return self._client().create(replace(request, skip_waiting_period=skip))

    def report(self, inquiry: Inquiry) -> Report:
        return self._client().status(inquiry.request_id)

    def cancel(self, request_id: UUID) -> None:
        """Only while pending; what partners were told already is not recalled."""
        self._client().cancel(request_id)

    # --- results

    @contextmanager
    def fetch_result(self, inquiry: Inquiry, url: str, *, limit_bytes: int) -> Iterator[ResultStream]:
        """The download needs the API's credentials (not documented; production clients send them), so
        they go to an address below the API's own and to no other, redirects included.

        404 is the documented answer where no record matches the identities, 410 when it is no longer kept.

        Raises Rejected for an address that is not below the API's own.
        """
        if not self._is_below_base(url):
            raise Rejected(
                Sentence("The address of the result is not below the API address. Nothing was sent there.")
            )
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
            yield ResultStream(content_type=kind, chunks=self.whole(answer.chunks, content_type=kind))

    def whole(self, chunks: Iterator[bytes], *, content_type: str) -> Iterator[bytes]:
        """The chunks of a result as they come. Raises UnexpectedAnswer at their end where they are not all of it.

        The protocol leaves the format open, so whatever comes is the result.
        """
        return chunks

    # --- callbacks

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> VerifiedCallback:
        return callbacks.verify_callback(
            self.processor, headers, body, fetch=self._fetch_certificate, at=timezone.now()
        )

    def read_callback(self, body: bytes) -> CallbackContent:
        return callbacks.read_callback(body)

    # --- the account

    def test_connection(self) -> list[ConnectionCheck]:
        key = self.key_fields[0]
        return [
            checked(Sentence(key.replace("_", " ").capitalize()), self._check_key, key_field=key),
            checked(Sentence("Callback certificate"), self._check_certificate),
        ]

    def budget(self, api: str = REQUESTS) -> Budget:
        return limits.read(self.processor.limits, otherwise=self.usual_budget)

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        return self._days("erasure_days" if request_type == RequestType.ERASURE else "access_days")

    def _days(self, option: str) -> timedelta:
        """As typed; what is no number of days counts as not chosen."""
        typed = self.processor.option(option).strip()
        days = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 3 else 0
        return timedelta(days=days if 0 < days <= _MOST_DAYS else _USUAL_DAYS)

    def _check_key(self) -> Sentence:
        self._client().probe()
        return Sentence(
            "%(vendor)s accepts the %(key)s and secret.",
            vendor=self.vendor,
            key=Word(self.key_fields[0].replace("_", " ").capitalize()),
        )

    def _check_certificate(self) -> Sentence:
        key = verify_bundle(
            self._fetch_certificate(),
            domain=self.processor.domain,
            extra_signing_roots=self.processor.extra_signing_roots,
            at=timezone.now(),
        )
        return Sentence(
            "Callbacks can be verified. The certificate is valid until %(not_after)s.",
            not_after=f"{key.not_after:%Y-%m-%d}",
        )

    def _fetch_certificate(self) -> bytes:
        """The bundle at the address that discovery names, if its host is one we expect.

        Outside the call budget: a callback must not fail because requests are being sent, and it is asked
        for about once in the life of a certificate.
        """
        discovery = self._client().discovery(timeouts=_CERTIFICATE_TIMEOUTS, within_budget=False)
        url = discovery.get("processor_certificate")
        if not isinstance(url, str) or not self._may_serve_certificate(url):
            raise Rejected(
                Sentence("Discovery returned a certificate address that is not https on an allowed host.")
            )
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
                Sentence("The address of the certificate returned no certificate."),
                http_status=answer.status,
                size=len(answer.body),
            )
        return answer.body

    def _may_serve_certificate(self, url: str) -> bool:
        named = (f"https://{host}" for host in self.processor.certificate_hosts)
        return addresses.is_at_one_of(url, [self.processor.api_address, *self.certificate_addresses, *named])

    def _is_below_base(self, url: str) -> bool:
        return addresses.is_below(url, self.processor.api_address)

    def _no_result(self, status: int) -> IntegrationError:
        if status == 404:
            return NothingFound(
                Sentence("%(vendor)s has no record that matches the identifiers.", vendor=self.vendor),
                http_status=status,
            )
        if status == 410:
            return Expired(
                Sentence("%(vendor)s no longer has the result.", vendor=self.vendor), http_status=status
            )
        if status in (401, 403):
            return self._credentials().refused(
                self.vendor, Sentence("data subject requests"), http_status=status
            )
        return UnexpectedAnswer(
            Sentence("The address of the result responded with status %(status)s.", status=status),
            http_status=status,
        )

    def _client(self) -> Client:
        return Client(
            processor=self.processor,
            credentials=self._credentials(),
            extension_domain=self.extension_domain,
            vendor=self.vendor,
        )

    def _credentials(self) -> Credentials:
        held = self.processor.credentials
        key, secret = self.key_fields
        return Credentials(name=held.get(key, ""), secret=held.get(secret, ""), key_field=key)
