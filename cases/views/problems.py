"""Problem details of the intake API (RFC 9457): English sentences for developers; none repeats what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import JsonResponse

CONTENT_TYPE: Final = "application/problem+json"
# The name of a kind of problem, in the OpenAPI document and in each answer.
NAMES: Final = "urn:dsr-portal:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    name: str
    status: int
    title: str
    detail: str

    @property
    def body(self) -> dict[str, Any]:
        return {
            "type": NAMES + self.name,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and the JSON pointer (RFC 6901) to where; "" is the whole body."""

    pointer: str
    detail: str


UNAUTHORIZED: Final = Problem(
    "unauthorized",
    401,
    "The token is not accepted",
    "Send “Authorization: Bearer …” with the token of an active intake source.",
)
NO_KEY: Final = Problem(
    "idempotency-key-missing",
    400,
    "The Idempotency-Key is missing",
    "Send a header Idempotency-Key of 1 to 255 printable ASCII characters: a new one, such as a UUID, for each new "
    "request of a person, and the same one whenever you send that request again.",
)
NOT_JSON: Final = Problem(
    "not-json",
    400,
    "The body cannot be read",
    "The body has to be one JSON object in UTF-8 that names no field twice.",
)
MEDIA_TYPE: Final = Problem(
    "unsupported-media-type", 415, "The body is not JSON", "Send “Content-Type: application/json”."
)
TOO_LARGE: Final = Problem(
    "too-large", 413, "The body is too large", "The body may have 65536 bytes at most."
)
NOT_ALLOWED: Final = Problem(
    "not-allowed",
    403,
    "This source may not open such a case",
    "An integration manager chooses which types and regulations a source may open.",
)
INVALID: Final = Problem(
    "invalid", 422, "The case cannot be opened", "See “errors”: one sentence and one place for each."
)
KEY_REUSED: Final = Problem(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key belongs to another body",
    "This Idempotency-Key was used before, with another body. Nothing was opened.",
)
NOT_FOUND: Final = Problem(
    "not-found", 404, "There is no such case", "This source opened no case of this reference."
)
TOO_MANY: Final = Problem(
    "too-many-requests",
    429,
    "Too many requests",
    "This source has made its requests of this minute. Send it again after “Retry-After”, under the same key.",
)
UNAVAILABLE: Final = Problem(
    "unavailable",
    503,
    "The portal cannot take this now",
    "Nothing was opened. Send it again after “Retry-After”, under the same key.",
)
ALL: Final = (
    UNAUTHORIZED,
    NO_KEY,
    NOT_JSON,
    MEDIA_TYPE,
    TOO_LARGE,
    NOT_ALLOWED,
    INVALID,
    KEY_REUSED,
    NOT_FOUND,
    TOO_MANY,
    UNAVAILABLE,
)
RETRY_SECONDS: Final = 10


def answer(
    problem: Problem, faults: Sequence[Fault] = (), *, retry_seconds: int | None = None
) -> JsonResponse:
    body = problem.body
    if faults:
        body["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]
    response = JsonResponse(body, status=problem.status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="intake"'
    if retry_seconds is not None:
        response["Retry-After"] = str(retry_seconds)
    return response
