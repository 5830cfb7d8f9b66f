"""One request's state, as an answer or a callback tells it.

`encoded_request` of a create answer is the whole request again, identities and all; OpenDSR 7.3 forbids
keeping it. Nothing here reads it, and no answer is kept.
"""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dsrportal.strict_json import Malformed
from integrations.opendsr.extensions import partners_of
from integrations.opendsr.vocabulary import STATUSES
from integrations.types import Report, ReportedStatus

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# .NET's "no date" is 0001-01-01T00:00:00.
_FIRST_YEAR = 2000


def report_of(document: dict[str, Any], *, status: str = "") -> Report:
    """The report in an answer, a group's item or a callback. Raises Malformed.

    `status` is the word to assume where the document has none: a create answer says pending by being 201.
    Texts are at most: account 100 characters, raw status and raw time 64, results URL 2,000.
    """
    raw_status = document.get("request_status")
    if raw_status is None and status:
        raw_status = status
    if not isinstance(raw_status, str) or not raw_status:
        raise Malformed("no_status")
    expected = document.get("expected_completion_time")
    return Report(
        request_id=_request_id(document.get("subject_request_id")),
        status=STATUSES.get(raw_status.strip().lower(), ReportedStatus.UNRECOGNISED),
        raw_status=raw_status[:64],
        account=_account(document.get("controller_id")),
        expected_completion_at=parse_timestamp(expected),
        expected_completion_raw=expected[:64] if isinstance(expected, str) else "",
        results_url=_results_url(document.get("results_url")),
        partners=partners_of(document.get("extensions")),
    )


def parse_timestamp(value: object) -> datetime | None:
    """An instant in UTC. Six or seven digits of a second, with Z, with an offset, or, in older payloads,
    without a zone: that is UTC. None for null and for what is no instant; the caller keeps the raw text."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if instant.year >= _FIRST_YEAR else None


def _request_id(value: object) -> UUID:
    # UUID() by itself also takes braces, urn: and no hyphens.
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise Malformed("no_request_id")
    return UUID(value)


def _account(value: object) -> str:
    """The workspace id: documented as a string; an integer means the same."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 100:
        raise Malformed("controller_id")
    return str(value)


def _results_url(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 2000:
        raise Malformed("results_url")
    return value
