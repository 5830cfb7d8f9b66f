"""The codes in what mParticle's APIs say when they refuse, each in an envelope of its own.

Only the codes are read: a message may repeat what we sent.
"""

import re
from typing import Any

from dsrportal.strict_json import Malformed, read

# A word for people to look up: what is longer, or has digits or other signs, may be anything.
_CODE = re.compile(r"[A-Za-z][A-Za-z_]{1,63}", re.ASCII)


def codes(body: bytes) -> list[str]:
    """In capitals, of `{"Errors": [{"code"}]}` in any case, of a bare `{"code"}` or `{"ErrorCode"}`, of the Platform
    API's `errors`, and of the OAuth `{"error"}`. Empty for a body that is none of these."""
    try:
        document = read(body)
    except Malformed:
        return []
    return codes_of(document)


def codes_of(document: object) -> list[str]:
    if not isinstance(document, dict):
        return []
    envelope = _lowered(document)
    listed = envelope.get("errors")
    holders = (
        [_lowered(item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    )
    said = [holder.get("code") for holder in holders]
    said += [envelope.get(name) for name in ("code", "errorcode", "error")]
    return list(
        dict.fromkeys(each.upper() for each in said if isinstance(each, str) and _CODE.fullmatch(each))
    )


def codes_text(found: list[str]) -> str:
    """The codes in brackets, for the end of a sentence."""
    return f" ({', '.join(found[:3])})" if found else ""


def _lowered(document: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in document.items()}
