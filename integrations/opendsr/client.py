"""OpenDSR v3 over HTTP: create, status, group, cancel, discovery, and what their refusals mean.

Paths are without a trailing slash, as production clients have them; redirects are never relied on.
https://docs.mparticle.com/developers/apis/dsr-api/v3/
"""

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from dsrportal.sentence import Sentence, Word
from dsrportal.strict_json import Malformed, read, read_object
from integrations import http
from integrations.account import Account
from integrations.errors import (
    AlreadyExists,
    Conflict,
    IntegrationError,
    Rejected,
    TooLate,
    Unauthorized,
    UnexpectedAnswer,
    UnknownRequest,
)
from integrations.http import Answer, Timeouts
from integrations.opendsr.bodies import body_of
from integrations.opendsr.reports import report_of
from integrations.types import Report, Submission

logger = logging.getLogger(__name__)

Readable = TypeVar("Readable")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Name and secret for HTTP Basic; `key_field` is where a person finds the name among the processor's."""

    name: str = field(repr=False)
    secret: str = field(repr=False)
    key_field: str

    @property
    def header(self) -> str:
        return "Basic " + b64encode(f"{self.name}:{self.secret}".encode()).decode("ascii")

    def refused(self, vendor: str, api: Sentence, *, http_status: int) -> Unauthorized:
        """The error for these credentials, in one sentence for each API of a vendor."""
        key = Word(self.key_field.replace("_", " ").capitalize())
        return Unauthorized(
            Sentence(
                "%(vendor)s refused the credentials for %(api)s. Check the %(key)s and its secret.",
                vendor=vendor,
                api=api,
                key=key,
            ),
            key_field=self.key_field,
            http_status=http_status,
        )


@dataclass(frozen=True, slots=True)
class Client:
    """One controller at one OpenDSR processor. `vendor` is how sentences call it."""

    processor: Account
    credentials: Credentials
    extension_domain: str
    vendor: str

    def create(self, request: Submission) -> Report:
        """Send a request. 400 for a known id is AlreadyExists, 409 for another like it Conflict."""
        body = json.dumps(
            body_of(request, extension_domain=self.extension_domain), separators=(",", ":")
        ).encode()
        answer = self._call("POST", "/requests", template="/requests", body=body, new_request=True)
        if not _succeeded(answer):
            raise self._refusal(answer, known_ids=False)
        return self._report(answer, request.request_id, status="pending")

    def status(self, request_id: UUID) -> Report:
        answer = self._call("GET", f"/requests/{request_id}", template="/requests/{id}")
        if not _succeeded(answer):
            raise self._refusal(answer)
        return self._report(answer, request_id)

    def group(self, group_id: str) -> list[Report]:
        """All requests of a group. What an unknown group gives is undocumented: [] and 404 are both empty."""
        path = f"/requests?group_id={quote(group_id, safe='')}"
        answer = self._call("GET", path, template="/requests?group_id={group}")
        if answer.status == 404:
            return []
        if not _succeeded(answer):
            raise self._refusal(answer)
        return self._readable(answer, lambda: self._reports(read(answer.body)))

    def cancel(self, request_id: UUID) -> None:
        """Ask to cancel. The success code is not documented (OpenDSR 9.2: 202), nor that of a refusal.

        Raises TooLate for a request that is no longer pending.
        """
        answer = self._call("DELETE", f"/requests/{request_id}", template="/requests/{id}")
        if answer.status in (400, 409):
            raise TooLate(
                Sentence("%(vendor)s can only cancel requests that are pending.", vendor=self.vendor),
                http_status=answer.status,
            )
        if not _succeeded(answer):
            raise self._refusal(answer)

    def discovery(self, *, timeouts: Timeouts | None = None, within_budget: bool = True) -> dict[str, Any]:
        answer = self._call(
            "GET", "/discovery", template="/discovery", timeouts=timeouts, within_budget=within_budget
        )
        if not _succeeded(answer):
            raise self._refusal(answer)
        return self._readable(answer, lambda: read_object(answer.body))

    def probe(self) -> None:
        """Try the credentials on an impossible id: 404 or 400 is an accepted key, 401 a refused one."""
        answer = self._call("GET", "/requests/0", template="/requests/0")
        if not _succeeded(answer) and answer.status not in (400, 404):
            raise self._refusal(answer)

    def _call(
        self,
        method: str,
        path: str,
        *,
        template: str,
        body: bytes | None = None,
        timeouts: Timeouts | None = None,
        within_budget: bool = True,
        new_request: bool = False,
    ) -> Answer:
        headers = {"Authorization": self.credentials.header, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return http.call(
            self.processor,
            method,
            self.processor.api_address + path,
            template=template,
            headers=headers,
            body=body,
            timeouts=timeouts or Timeouts(),
            within_budget=within_budget,
            new_request=new_request,
        )

    def _report(self, answer: Answer, request_id: UUID, *, status: str = "") -> Report:
        report = self._readable(answer, lambda: report_of(read_object(answer.body), status=status))
        if report.request_id != request_id:
            raise self._unexpected(answer, Sentence("is about a different request"))
        return report

    def _reports(self, document: object) -> list[Report]:
        if not isinstance(document, list):
            raise Malformed("not_a_list")
        reports = []
        for item in document:
            try:
                reports.append(report_of(item if isinstance(item, dict) else {}))
            except Malformed as error:
                # One unreadable item must not hide the others; it is asked for by its id in time.
                logger.warning("An item of a group answer cannot be read (%s).", error.problem)
        return reports

    def _readable(self, answer: Answer, parse: Callable[[], Readable]) -> Readable:
        try:
            return parse()
        except Malformed as error:
            problem = error.problem
        raise self._unexpected(answer, Sentence("cannot be read (%(problem)s)", problem=problem))

    def _unexpected(self, answer: Answer, what: Sentence) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            Sentence("The response of %(vendor)s %(what)s.", vendor=self.vendor, what=what),
            http_status=answer.status,
            size=len(answer.body),
        )

    def _refusal(self, answer: Answer, *, known_ids: bool = True) -> IntegrationError:
        status = answer.status
        # 403 is not documented for this API; what refuses with it is about who asks, not what is asked.
        if status in (401, 403):
            return self.credentials.refused(
                self.vendor, Sentence("data subject requests"), http_status=status
            )
        if status == 404 and known_ids:
            return UnknownRequest(
                Sentence("%(vendor)s does not know this request.", vendor=self.vendor), http_status=status
            )
        if status == 409:
            return Conflict(
                Sentence(
                    "%(vendor)s is already processing another request for these identifiers.",
                    vendor=self.vendor,
                ),
                http_status=status,
            )
        if status == 400 and _says_already_exists(answer.body):
            return AlreadyExists(
                Sentence("%(vendor)s already has a request with this id.", vendor=self.vendor),
                http_status=status,
            )
        if status in (400, 413, 415, 422):
            return Rejected(
                Sentence(
                    "%(vendor)s refused the request as invalid (%(status)s).",
                    vendor=self.vendor,
                    status=status,
                ),
                http_status=status,
            )
        return self._unexpected(answer, Sentence("has the status %(status)s", status=status))


def _succeeded(answer: Answer) -> bool:
    return 200 <= answer.status < 300


def _says_already_exists(body: bytes) -> bool:
    """Whether a 400 is about an id already used. The one place that matches a message: the vendor documents
    the sentence "Subject request already exists." and gives it no code of its own."""
    return any("subject request already exists" in message.lower() for message in _messages(body))


def _messages(body: bytes) -> list[str]:
    """The messages of an error answer. The envelope is flat at mParticle, under `error` in OpenDSR 7.5;
    an empty or HTML body has none. They may repeat what we sent: never shown, kept or logged."""
    try:
        document = read_object(body)
    except Malformed:
        return []
    envelope = document.get("error") if isinstance(document.get("error"), dict) else document
    items = envelope.get("errors") if isinstance(envelope, dict) else None
    holders = [envelope, *(items if isinstance(items, list) else [])]
    return [
        holder["message"]
        for holder in holders
        if isinstance(holder, dict) and isinstance(holder.get("message"), str)
    ]
