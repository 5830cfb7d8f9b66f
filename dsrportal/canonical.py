"""JSON of which there is one form alone, so that it can be hashed: RFC 8785, without floats."""

import json
from typing import Any, Final
from uuid import UUID

# What every language reads as the same number (RFC 7493, 2.2).
_LARGEST_NUMBER: Final = 2**53 - 1
# Of what `_plain` lets through and has sorted this makes RFC 8785: strings are escaped as ECMAScript does it.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def canonical_json(value: Any) -> str:
    """The canonical form of a value.

    Raises TypeError for floats, which have no one form across languages, and for whatever else JSON does not know;
    ValueError for whole numbers beyond what every language reads alike.
    """
    return _ENCODER.encode(_plain(value))


def _plain(value: Any) -> Any:
    """As JSON knows it, keys in order."""
    if isinstance(value, str | UUID):
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST_NUMBER:
            raise ValueError("Canonical JSON cannot hold a number that large.")
        return value
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value, key=_in_utf_16)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"Canonical JSON cannot hold a {type(value).__name__}.")


def _in_utf_16(key: str) -> bytes:
    """How RFC 8785 compares keys (3.2.3)."""
    return key.encode("utf-16-be")
