"""The one way out: every request that leaves the portal leaves through here.

Time-outs always, no redirects, no retries, TLS only, one budget token a call, errors by name. What is
logged is method, host, path template, status and time: never a query, a body or a credential (the
settings keep the library's own log, which has whole paths, shut).
"""

import logging
import math
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import requests
from django.utils import timezone
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError

from dsrportal.sentence import Sentence
from integrations import connections, ratelimit
from integrations.account import Account
from integrations.connector import REQUESTS
from integrations.errors import (
    IntegrationError,
    NotSent,
    RateLimited,
    Rejected,
    TooLarge,
    UnexpectedAnswer,
    Unreachable,
)

logger = logging.getLogger(__name__)

ANSWER_LIMIT_BYTES = 4 * 1024 * 1024
# The budget of new requests is kept over 8 and 24 hours; no wait is longer than the longest window.
LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0
_REDIRECTS = 3
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect (TLS included), between two pieces of an answer, for the whole answer."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    chunks: Iterator[bytes] = field(repr=False)


def call(
    processor: Account,
    method: str,
    url: str,
    *,
    template: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
    timeouts: Timeouts = Timeouts(),
    within_budget: bool = True,
    new_request: bool = False,
    api: str = REQUESTS,
) -> Answer:
    """Send one request, read its answer. Any status but 3xx, 429 and 5xx is returned for the caller to name.

    `template` is the path as it is logged; a `new_request` is one that the vendor counts as such over hours; `api` is
    the one whose budget the call is taken from. Raises
    NotSent, Unreachable, UnexpectedAnswer, RateLimited, and Rejected for an address that is not https.
    """
    if within_budget:
        ratelimit.take(processor, new_request=new_request, api=api)
    response = _open(processor, method, url, template, headers or {}, body, timeouts, api=api)
    try:
        _refuse_by_status(processor, response, url, new_request=new_request, api=api)
        try:
            answer = b"".join(_pieces(response, url, limit_bytes, timeouts.total))
        except TooLarge as error:
            # What was asked may well have been done: not TooLarge, whose outcome is known.
            raise UnexpectedAnswer(
                Sentence(
                    "%(host)s sent a response of more than %(limit_bytes)s bytes.",
                    host=_host(url),
                    limit_bytes=limit_bytes,
                ),
                http_status=response.status,
                size=error.size,
            ) from None
        return Answer(response.status, _headers(response), answer)
    finally:
        response.close()


@contextmanager
def stream(
    processor: Account,
    url: str,
    *,
    template: str,
    limit_bytes: int,
    headers: Mapping[str, str] | None = None,
    may_follow: Callable[[str], bool] | None = None,
    timeouts: Timeouts = Timeouts(total=900.0),
) -> Iterator[StreamedAnswer]:
    """GET something large; its chunks are read inside the `with`, and raise TooLarge beyond `limit_bytes`.

    A redirect is followed, headers and all, only to an address that `may_follow` approves, three times at
    most; to another it raises Rejected.
    Redirects in circles raise UnexpectedAnswer.
    """
    for _ in range(_REDIRECTS + 1):
        ratelimit.take(processor)
        response = _open(processor, "GET", url, template, headers or {}, None, timeouts)
        try:
            target = response.headers.get("location", "") if 300 <= response.status < 400 else ""
            if target and may_follow is not None:
                url = urljoin(url, target)
                if not may_follow(url):
                    raise Rejected(
                        Sentence(
                            "The response is at another address (%(host)s), which is not trusted.",
                            host=_host(url),
                        ),
                        http_status=response.status,
                    )
                continue
            _refuse_by_status(processor, response, url)
            chunks = _pieces(response, url, limit_bytes, timeouts.total)
            yield StreamedAnswer(response.status, _headers(response), chunks)
            return
        finally:
            response.close()
    raise UnexpectedAnswer(Sentence("%(host)s redirects in circles.", host=_host(url)))


def _open(
    processor: Account,
    method: str,
    url: str,
    template: str,
    headers: Mapping[str, str],
    body: bytes | None,
    timeouts: Timeouts,
    *,
    api: str = REQUESTS,
) -> BaseHTTPResponse:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Rejected(Sentence("The address does not begin with https://. Nothing is sent without TLS."))
    sent = {"User-Agent": "dsr-portal", "Accept-Encoding": "identity", **headers}
    began_at = time.monotonic()
    connections.mark_unsent()
    failure: IntegrationError
    try:
        response = connections.adapter_for(processor).send(
            requests.Request(method, url, headers=sent, data=body).prepare(),
            stream=True,
            timeout=(timeouts.connect, timeouts.read),
            proxies=connections.proxies_for(parts.hostname),
        )
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        failure = _failure(error, parts.hostname)
    else:
        _log(method, parts.hostname, template, str(response.status_code), began_at)
        raw: BaseHTTPResponse = response.raw
        ratelimit.heed(processor, _percentage_used(raw.headers), api=api)
        return raw
    _log(method, parts.hostname, template, failure.code, began_at)
    # Raised out here so that it carries no context: the library's exceptions know the URL.
    raise failure


def _failure(error: Exception, host: str) -> IntegrationError:
    if connections.begun():
        if isinstance(error, requests.ReadTimeout):
            return Unreachable(Sentence("%(host)s did not respond in time.", host=host))
        return Unreachable(
            Sentence("The connection to %(host)s broke before the response arrived.", host=host)
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return NotSent(
            Sentence("The proxy for %(host)s refused the connection or cannot be reached.", host=host)
        )
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, NameResolutionError):
        return NotSent(Sentence("The name %(host)s cannot be resolved.", host=host))
    if isinstance(error, requests.exceptions.SSLError):
        cause = reason.args[0] if reason is not None and reason.args else None
        why = f" ({cause.verify_message})" if isinstance(cause, ssl.SSLCertVerificationError) else ""
        return NotSent(Sentence("No TLS connection to %(host)s%(why)s.", host=host, why=why))
    return NotSent(Sentence("%(host)s refused the connection, or did not accept it in time.", host=host))


def _refuse_by_status(
    processor: Account,
    response: BaseHTTPResponse,
    url: str,
    *,
    new_request: bool = False,
    api: str = REQUESTS,
) -> None:
    status = response.status
    if status == 429:
        seconds = _retry_after_seconds(response.headers)
        # https://docs.mparticle.com/guides/default-service-limits/: the value may come in quotes.
        scope = response.headers.get("x-mp-rate-limit-exceeded", "").strip(" \"'").lower()
        scope = scope if scope.isalpha() and len(scope) <= 32 else ""
        ratelimit.penalise(processor, seconds, scope=scope, new_request=new_request, api=api)
        raise RateLimited(
            Sentence("%(host)s asks to wait before the next call.", host=_host(url)),
            retry_after_seconds=seconds,
            scope=scope,
            http_status=status,
        )
    if 300 <= status < 400 or status >= 500:
        what = Sentence("a redirect") if status < 400 else Sentence("the error %(status)s", status=status)
        sentence = Sentence("%(host)s responded with %(what)s.", host=_host(url), what=what)
        raise UnexpectedAnswer(sentence, http_status=status, size=_size(response))


def _pieces(response: BaseHTTPResponse, url: str, limit_bytes: int, total_seconds: float) -> Iterator[bytes]:
    """The body piece by piece, as it arrives, so that a drip cannot outlast `total_seconds`."""
    deadline = time.monotonic() + total_seconds
    received = 0
    failure: IntegrationError
    try:
        while piece := response.read1(_PIECE_BYTES, decode_content=True):
            received += len(piece)
            if received > limit_bytes:
                raise TooLarge(
                    Sentence(
                        "%(host)s sent more than %(limit_bytes)s bytes.",
                        host=_host(url),
                        limit_bytes=limit_bytes,
                    ),
                    size=received,
                )
            if time.monotonic() > deadline:
                raise Unreachable(
                    Sentence(
                        "The response of %(host)s took longer than %(total_seconds)s s.",
                        host=_host(url),
                        total_seconds=f"{total_seconds:.0f}",
                    )
                )
            yield piece
        return
    except ReadTimeoutError:
        failure = Unreachable(Sentence("The response of %(host)s was interrupted.", host=_host(url)))
    except (HTTPError, OSError):
        failure = UnexpectedAnswer(
            Sentence("The response of %(host)s ended early or cannot be decoded.", host=_host(url)),
            http_status=response.status,
            size=received,
        )
    raise failure


def _size(response: BaseHTTPResponse) -> int:
    """How many bytes an answer nobody reads has, as far as it is worth counting; they are dropped at once."""
    try:
        return sum(len(piece) for piece in _pieces(response, "", _PIECE_BYTES, 5.0))
    except IntegrationError as error:
        return error.size or 0


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds, a fraction of them, or an HTTP date; clamped to 0 and a day. None if unsaid or unreadable.

    The name without the hyphen is how mParticle's guide once spells it.
    """
    said = (headers.get("retry-after") or headers.get("retryafter") or "").strip(" \"'")
    try:
        seconds = float(said)
    except ValueError:
        try:
            when = parsedate_to_datetime(said)
        except (ValueError, TypeError):
            return None
        if when.tzinfo is None:
            return None
        seconds = (when - timezone.now()).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else None


def _percentage_used(headers: Mapping[str, str]) -> float:
    """How much of its limits the vendor says is used; 0 if unsaid or unreadable."""
    try:
        return float(headers.get("x-mp-rate-limit-percentage-used", "").strip(" \"'%"))
    except ValueError:
        return 0.0


def _headers(response: BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _log(method: str, host: str, template: str, result: str, began_at: float) -> None:
    logger.info("%s %s%s %s %d ms", method, host, template, result, (time.monotonic() - began_at) * 1000)
