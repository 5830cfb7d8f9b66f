"""A vendor's limits as a person writes them: one a line, “1000 calls in 60 s”, “80000 new requests in 24 h”."""

import re

from django.core.exceptions import ValidationError

from dsrportal.sentence import Sentence
from integrations.types import Budget, Limit

_LINE = re.compile(
    r"(?P<count>[1-9]\d{0,8}) (?P<what>calls|new requests) in (?P<length>[1-9]\d{0,5}) ?(?P<unit>s|min|h)"
)
_SECONDS = {"s": 1, "min": 60, "h": 3600}
LONGEST_SECONDS = 7 * 24 * 3600


def read(text: str, *, otherwise: Budget) -> Budget:
    """The limits in a text; for calls, and for new requests, those of `otherwise` where the text has none.

    Raises ValueError with a sentence.
    """
    calls: list[Limit] = []
    new_requests: list[Limit] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        parts = _LINE.fullmatch(" ".join(line.split()))
        if parts is None:
            raise ValueError(
                Sentence(
                    "“%(line)s” is not a valid limit. Write it like “1000 calls in 60 s”.", line=line[:60]
                )
            )
        seconds = int(parts["length"]) * _SECONDS[parts["unit"]]
        if seconds > LONGEST_SECONDS:
            raise ValueError(Sentence("No window can be longer than seven days."))
        (calls if parts["what"] == "calls" else new_requests).append(Limit(int(parts["count"]), seconds))
    if len(calls) > 1:
        raise ValueError(Sentence("Enter one limit for calls. Several limits are allowed for new requests."))
    if len({limit.seconds for limit in new_requests}) < len(new_requests):
        raise ValueError(Sentence("Two limits for new requests cover the same period. Keep the lower one."))
    return Budget(
        calls=calls[0] if calls else otherwise.calls,
        new_requests=tuple(new_requests) or otherwise.new_requests,
    )


def spell(budget: Budget) -> str:
    """The text that reads as this budget."""
    lines = [(budget.calls, "calls"), *((limit, "new requests") for limit in budget.new_requests)]
    return "\n".join(f"{limit.count} {what} in {_length(limit.seconds)}" for limit, what in lines)


def validate(text: str) -> None:
    """For the field of a form. Raises ValidationError."""
    try:
        read(text, otherwise=Budget(calls=Limit(1, 1)))
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _length(seconds: int) -> str:
    for unit in ("h", "min"):
        if seconds > _SECONDS[unit] and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]} {unit}"
    return f"{seconds} s"
