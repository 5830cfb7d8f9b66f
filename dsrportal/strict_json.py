"""JSON from outside, read strictly: what two readers could understand differently is refused."""

import json
from typing import Any


class Malformed(ValueError):
    """A document that cannot be read. `problem` is one word for it, and no part of the document."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def parse(text: str) -> Any:
    """Read JSON without duplicate keys, NaN or Infinity. Raises Malformed."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("not_json") from None


def read(raw: bytes) -> Any:
    """Read a document as `parse` does: in UTF-8, and without text that PostgreSQL cannot hold. Raises Malformed."""
    if not raw.strip():
        raise Malformed("empty")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not_json") from None
    document = parse(text)
    # U+0000 and half surrogates can only have come in as escapes.
    if b"\\u" in raw:
        _refuse_unstorable(document)
    return document


def read_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises Malformed for anything else."""
    document = read(raw)
    if not isinstance(document, dict):
        raise Malformed("not_an_object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("duplicate_key")
    return found


def _refuse(constant: str) -> None:
    raise Malformed("not_a_number")


def _refuse_unstorable(document: object) -> None:
    waiting: list[object] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                raise Malformed("unstorable_text")
        elif isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
