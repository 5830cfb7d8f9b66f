"""A vendor's limits as a person writes them."""

import pytest
from django.core.exceptions import ValidationError

from integrations import limits
from integrations.types import Budget, Limit

VENDOR = Budget(calls=Limit(1000, 60), new_requests=(Limit(26_666, 8 * 3600), Limit(80_000, 24 * 3600)))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("", VENDOR),
        ("  \n\n", VENDOR),
        ("500 calls in 60 s", Budget(Limit(500, 60), VENDOR.new_requests)),
        ("500  calls in 2 min\n", Budget(Limit(500, 120), VENDOR.new_requests)),
        ("7 new requests in 1 h", Budget(VENDOR.calls, (Limit(7, 3600),))),
        (
            "9 new requests in 24 h\n40 calls in 2s\n3 new requests in 8 h",
            Budget(Limit(40, 2), (Limit(9, 24 * 3600), Limit(3, 8 * 3600))),
        ),
        ("1 calls in 168 h", Budget(Limit(1, 7 * 24 * 3600), VENDOR.new_requests)),
    ],
)
def test_what_is_not_said_is_the_vendors(text: str, budget: Budget) -> None:
    limits.validate(text)
    assert limits.read(text, otherwise=VENDOR) == budget


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("many calls", "“many calls” is not a valid limit. Write it like “1000 calls in 60 s”."),
        ("0 calls in 60 s", "“0 calls in 60 s” is not a valid limit. Write it like “1000 calls in 60 s”."),
        ("5 calls in 0 s", "“5 calls in 0 s” is not a valid limit. Write it like “1000 calls in 60 s”."),
        ("5 calls in 169 h", "No window can be longer than seven days."),
        (
            "5 calls in 60 s\n6 calls in 1 h",
            "Enter one limit for calls. Several limits are allowed for new requests.",
        ),
        (
            "5 new requests in 1 h\n6 new requests in 60 min",
            "Two limits for new requests cover the same period. Keep the lower one.",
        ),
    ],
)
def test_what_is_no_limit_is_said_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        limits.validate(text)
    assert refusal.value.messages == [sentence]


def test_a_budget_is_spelled_as_it_is_read() -> None:
    text = limits.spell(VENDOR)
    assert text == "1000 calls in 60 s\n26666 new requests in 8 h\n80000 new requests in 24 h"
    assert limits.read(text, otherwise=Budget(Limit(1, 1))) == VENDOR
