"""The lines of a result file: one JSON object each, and what of it has a name.

https://docs.mparticle.com/developers/server/json-reference/ has the shape of events; numbers may come as strings. A
name is a path of keys: `user_attributes.plan`. Lists have no names inside, except a batch's `events`, and identities,
which are a list in one place and a mapping in another: `user_identities.email` in both.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from dsrportal import strict_json

# mParticle takes batches of up to 128 KB; what is longer is not one line.
LONGEST_LINE: Final = 1024 * 1024
# As deep as an event's own attributes lie: events.data.custom_attributes.coupon
DEEPEST: Final = 4
IDENTITIES: Final = ("user_identities", "device_identities")

Row = dict[str, Any]


def read(pieces: Iterator[bytes]) -> Iterator[Row | None]:
    """One object for each line that is not blank; None for one that cannot be read. The last may lack its end."""
    waiting, too_long = bytearray(), False
    for piece in pieces:
        waiting += piece
        *lines, rest = waiting.split(b"\n")
        for line in lines:
            if too_long or len(line) > LONGEST_LINE:
                yield None
            elif line.strip():
                yield _parsed(line)
            too_long = False
        if len(rest) > LONGEST_LINE:
            too_long, rest = True, bytearray()
        waiting = rest
    if too_long:
        yield None
    elif waiting.strip():
        yield _parsed(waiting)


def _parsed(line: bytearray) -> Row | None:
    """None where it could be read one way here and another way by somebody else."""
    try:
        row = strict_json.parse(line.decode("utf-8-sig"))
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def written(row: Row) -> bytes:
    """As one line again. What is not Unicode stays as it was escaped."""
    return json.dumps(row, separators=(",", ":")).encode() + b"\n"


def names(row: Row, prefix: str = "", depth: int = DEEPEST) -> Iterator[str]:
    """Every name in it, each before those below it."""
    for key, value in row.items():
        name = f"{prefix}{key}"
        yield name
        if key in IDENTITIES and isinstance(value, list):
            yield from dict.fromkeys(f"{name}.{kind}" for item in value if (kind := identity_type(item)))
        for below in _below(key, value) if depth > 1 else ():
            yield from names(below, f"{name}.", depth - 1)


def without(row: Row, left_out: frozenset[str], prefix: str = "") -> Row:
    """A copy that lacks what has one of these names, and the events that tell how that changed."""
    kept: Row = {}
    for key, value in row.items():
        name = f"{prefix}{key}"
        if name in left_out:
            continue
        if isinstance(value, dict):
            kept[key] = without(value, left_out, f"{name}.")
        elif key == "events" and isinstance(value, list):
            kept[key] = [
                without(item, left_out, f"{name}.") if isinstance(item, dict) else item
                for item in value
                if not _tells_of(item, left_out)
            ]
        elif key in IDENTITIES and isinstance(value, list):
            kept[key] = [item for item in value if f"{name}.{identity_type(item)}" not in left_out]
        else:
            kept[key] = value
    return kept


def identity_type(item: Any) -> str:
    """Of an identity in a list; "" where it has none."""
    named = (item.get("type") or item.get("identity_type")) if isinstance(item, dict) else None
    return named if isinstance(named, str) else ""


def _tells_of(event: Any, left_out: frozenset[str]) -> bool:
    """Whether an event is the change of an attribute or an identity that is left out: it has the values of both."""
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict):
        return False
    if event.get("event_type") == "user_attribute_change":
        whole, changed = "user_attributes", [data.get("user_attribute_name")]
    elif event.get("event_type") == "user_identity_change":
        whole, changed = "user_identities", [identity_type(data.get(side)) for side in ("new", "old")]
    else:
        return False
    named = {f"{whole}.{name}" for name in changed if name}
    # Of a change that does not say of what nobody knows.
    return any(
        name == whole
        or (name.startswith(f"{whole}.") and not named)
        or any(name == each or name.startswith(f"{each}.") for each in named)
        for name in left_out
    )


def _below(key: str, value: Any) -> list[Row]:
    if isinstance(value, dict):
        return [value]
    if key == "events" and isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return []


def fields(row: Row, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every value with its name, as text for people."""
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and name.count(".") < DEEPEST:
            yield from fields(value, f"{name}.")
        else:
            yield name, value_text(value, is_time=key.endswith("timestamp_ms"))


def value_text(value: Any, *, is_time: bool = False) -> str:
    if isinstance(value, str):
        return _moment(value) or value if is_time else value
    if isinstance(value, list):
        return "; ".join(value_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {value_text(item)}" for key, item in value.items())
    if value is None:
        return ""
    return (_moment(value) if is_time else "") or json.dumps(value)


def _moment(value: Any) -> str:
    at = moment(value)
    return f"{at:%d %b %Y %H:%M} UTC" if at else ""


def moment(value: Any) -> datetime | None:
    """Milliseconds since 1970, a number or a string of one."""
    try:
        return datetime.fromtimestamp(int(value) / 1000, tz=UTC) if int(value) > 0 else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None
