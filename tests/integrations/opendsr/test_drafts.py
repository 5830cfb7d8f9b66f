"""What no request can hold is a sentence; what takes several is split."""

from typing import Any

import pytest

from integrations.opendsr.drafts import check, split
from integrations.types import Draft, Identity, IdentityType

EMAIL = Identity("email", "ada@example.com")
SECOND_EMAIL = Identity("email", "ada@work.example")
CUSTOMER = Identity("controller_customer_id", "c-881")
MPID = Identity("mpid", "-3512845671234567890")
SECOND_MPID = Identity("mpid", "77")
PHONE = Identity("mobile_number", "+49 30 1234")


def draft(*identities: Identity, **fields: Any) -> Draft:
    given: dict[str, Any] = {"request_type": "erasure", "regulation": "gdpr", **fields}
    return Draft(identities=identities, **given)


@pytest.mark.parametrize(
    "good",
    [
        draft(EMAIL),
        draft(EMAIL, skip_waiting_period=True),
        draft(MPID, request_type="access"),
        draft(EMAIL, SECOND_EMAIL, MPID, request_type="portability", regulation="ccpa"),
        draft(*(Identity(kind, "x") for kind in IdentityType.values if kind != "mpid")),
        draft(Identity("mpid", "9223372036854775807"), Identity("mpid", "-9223372036854775808")),
        draft(Identity("mpid", "0")),
    ],
)
def test_what_requests_can_hold_has_no_sentence(good: Draft) -> None:
    assert check(good) == []


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (draft(EMAIL, request_type="opt_out"), "Opt-out is not an OpenDSR request type."),
        (draft(EMAIL, request_type="correction"), "Correction is not an OpenDSR request type."),
        (draft(EMAIL, request_type="gossip"), "This type is not an OpenDSR request type."),
        (draft(EMAIL, regulation="lgpd"), "the GDPR or the CCPA"),
        (draft(EMAIL, request_type="access", skip_waiting_period=True), "Only an erasure has a waiting period"),
        (draft(), "at least one identifier"),
        (draft(Identity("email", "")), "The identifier “E-mail” has no value."),
        (draft(EMAIL, Identity("other3", " \t")), "The identifier “Other 3” has no value."),
        (draft(Identity("shoe_size", "42")), "not among the 25"),
        *(
            (draft(Identity("mpid", value)), "64-bit integer")
            for value in (
                "12a", "9223372036854775808", "-9223372036854775809", "1e5", "1.0", "+1", "007", "-", "１２",
                "0x10", " 12", "12\n", "99999999999999999999",
            )
        ),
        (draft(*(Identity("email", f"a{n}@example.com") for n in range(151))), "need 151 requests"),
    ],
)  # fmt: skip
def test_what_no_request_can_hold_is_one_sentence_without_the_identity(bad: Draft, rule: str) -> None:
    [sentence] = check(bad)
    assert rule in sentence.english
    assert sentence.english.endswith(".")
    for identity in bad.identities:
        assert len(identity.value) < 3 or identity.value not in sentence.english


def test_the_same_sentence_is_said_once_and_different_ones_all() -> None:
    sentences = check(
        draft(Identity("email", ""), Identity("email", " "), Identity("mpid", "x"), regulation="x")
    )
    assert len(sentences) == 3


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        ((EMAIL,), [(EMAIL,)]),
        ((EMAIL, CUSTOMER, PHONE), [(EMAIL, CUSTOMER, PHONE)]),
        ((EMAIL, SECOND_EMAIL), [(EMAIL,), (SECOND_EMAIL,)]),
        ((EMAIL, SECOND_EMAIL, CUSTOMER), [(EMAIL, CUSTOMER), (SECOND_EMAIL,)]),
        ((CUSTOMER, EMAIL, SECOND_EMAIL), [(CUSTOMER, EMAIL), (SECOND_EMAIL,)]),
        ((MPID,), [(MPID,)]),
        ((MPID, EMAIL), [(MPID,), (EMAIL,)]),
        ((EMAIL, MPID, CUSTOMER), [(EMAIL, CUSTOMER), (MPID,)]),
        ((MPID, SECOND_MPID), [(MPID,), (SECOND_MPID,)]),
        ((EMAIL, EMAIL, MPID, MPID), [(EMAIL,), (MPID,)]),
        ((), []),
    ],
)
def test_one_value_of_a_type_in_a_request_and_mpid_alone(
    given: tuple[Identity, ...], requests: list[tuple[Identity, ...]]
) -> None:
    assert split(draft(*given)) == requests


def test_values_that_differ_in_case_only_are_two() -> None:
    assert len(split(draft(EMAIL, Identity("email", "Ada@example.com")))) == 2
