"""Packages from Leanplum's export of one user: kept as one JSON document, summed up and redacted.

Attributes are redacted one by one, by `userAttributes.<name>`; all else by the names at the top of the document.
https://docs.leanplum.com/reference/get_api-action-exportuser
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final

from dsrportal.crypto import normalise
from dsrportal.sentence import Sentence
from dsrportal.strict_json import Malformed, read_object
from integrations.errors import UnexpectedAnswer
from integrations.types import Identity, PackageSummary

CONTENT_TYPE: Final = "application/json"
ATTRIBUTES: Final = "userAttributes"
# Words for why nobody may be shown a package.
FOREIGN_IDENTITY: Final = "foreign_identity"
UNREADABLE: Final = "unreadable"

_PIECE_BYTES = 64 * 1024
# What a summary holds at most of each: enough to look at.
_MOST = 2000
_LONGEST_VALUE = 2000


def chunks(reply: Mapping[str, Any]) -> Iterator[bytes]:
    """The export as it is kept: the reply about the user, without the word on the call itself.

    Raises UnexpectedAnswer for what is nested so deep that it cannot be written.
    """
    document = {name: value for name, value in reply.items() if name != "success"}
    raw = b""
    with suppress(RecursionError):
        raw = json.dumps(document, indent=2, ensure_ascii=False).encode()
    if not raw:
        raise UnexpectedAnswer(Sentence("The export is nested too deeply to be stored."), http_status=200)
    for start in range(0, len(raw), _PIECE_BYTES):
        yield raw[start : start + _PIECE_BYTES]


def is_left_empty(reply: Mapping[str, Any]) -> bool:
    """Whether a user is known there and nothing is held of them: the profile that `block` leaves behind."""
    return not _attributes(reply) and not reply.get("events")


def summarise(
    package: BinaryIO, *, submitted: Sequence[Identity], user_id_type: str, names: Mapping[str, str]
) -> PackageSummary:
    """`names` are the attributes that hold identities, by their types. Of an export in doubt only the doubt is told."""
    try:
        document = read_object(package.read())
    except Malformed:
        return PackageSummary(doubt=UNREADABLE)
    attributes = _attributes(document)
    user_id = _text(document.get("userId") or "")
    held = [
        (kind, name, _text(attributes[name]))
        for kind, name in names.items()
        if attributes.get(name) not in (None, "")
    ]
    if _is_foreign(user_id, user_id_type, held, submitted):
        return PackageSummary(doubt=FOREIGN_IDENTITY)
    return PackageSummary(
        fields=tuple((name, _text(value)[:_LONGEST_VALUE]) for name, value in attributes.items())[:_MOST],
        identities=(("userId", user_id), *((name, value) for _, name, value in held)),
        # Leanplum counts events over all time, and says only when the first and the last one were.
        events=tuple((name, "", count) for name, count in _counts(document.get("events")))[:_MOST],
        leave_out=(
            *(name for name in document if name not in (ATTRIBUTES, "userId")),
            *(f"{ATTRIBUTES}.{name}" for name in attributes),
        )[:_MOST],
        has_profile=True,
    )


def redact(package: BinaryIO, *, fields: frozenset[str]) -> Iterator[bytes]:
    """The export without these. Raises UnexpectedAnswer where it cannot be read."""
    try:
        document = read_object(package.read())
    except Malformed:
        document = None
    if document is None:
        raise UnexpectedAnswer(
            Sentence("The stored export cannot be read, so nothing can be removed from it.")
        )
    kept = {name: value for name, value in document.items() if name not in fields}
    if isinstance(kept.get(ATTRIBUTES), dict):
        kept[ATTRIBUTES] = {
            name: value for name, value in kept[ATTRIBUTES].items() if f"{ATTRIBUTES}.{name}" not in fields
        }
    return chunks(kept)


def _is_foreign(
    user_id: str, user_id_type: str, held: Sequence[tuple[str, str, str]], submitted: Sequence[Identity]
) -> bool:
    """Whether it holds, for a type that was asked for, a value other than ours; or no user id, and so nobody's."""
    ours: dict[str, set[str]] = {}
    for identity in submitted:
        ours.setdefault(identity.type, set()).add(identity.value)
    # Another spelling of a user id is another user.
    if not user_id or user_id not in ours.get(user_id_type, {user_id}):
        return True
    return any(
        kind in ours and normalise(kind, value) not in {normalise(kind, each) for each in ours[kind]}
        for kind, _, value in held
    )


def _attributes(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get(ATTRIBUTES)
    return found if isinstance(found, dict) else {}


def _counts(events: object) -> list[tuple[str, int]]:
    """Name and count of each event; 0 where the count cannot be read."""
    if not isinstance(events, dict):
        return []
    counts = [(name, held.get("count") if isinstance(held, dict) else None) for name, held in events.items()]
    return [(name, _whole(count)) for name, count in counts]


def _whole(count: object) -> int:
    if isinstance(count, float) and math.isfinite(count):
        return int(count)
    return count if isinstance(count, int) else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
