"""Forwarding in every shape it has been seen in."""

from typing import Any

import pytest

from integrations.opendsr.extensions import partners_of
from integrations.types import PartnerReport, PartnerStatus

ENTRY = {"domain": "a.example", "name": "A", "status": "sent", "status_message": None}
REPORT = PartnerReport(domain="a.example", name="A", status=PartnerStatus.SENT, raw_status="sent")


@pytest.mark.parametrize(
    "extensions",
    [
        [ENTRY],
        {"opendsr.mparticle.com": {"distribution_status": [ENTRY]}},
        {"a.example": ENTRY},
        {"a.example": {"name": "A", "status": "sent"}},
        {"a.example": [{"name": "A", "status": "sent"}]},
        {"opendsr.mparticle.com": [ENTRY]},
        [
            ENTRY,
            "junk",
            None,
            7,
            {},
            {"status": "sent"},
            {"domain": "b.example"},
            {"domain": "b.example", "status": 3},
        ],
        [{**ENTRY, "status": "pending"}, ENTRY],
    ],
)
def test_every_shape_is_the_same_partner(extensions: Any) -> None:
    assert partners_of(extensions) == (REPORT,)


@pytest.mark.parametrize(
    "extensions",
    [None, {}, "x", 3, True, {"opendsr.mparticle.com": {"skip_waiting_period": True}}, {"a.example": None},
     {"opendsr.mparticle.com": {"distribution_status": None}}],
)  # fmt: skip
def test_nothing_said_is_none(extensions: Any) -> None:
    assert partners_of(extensions) is None


@pytest.mark.parametrize("extensions", [[], {"opendsr.mparticle.com": {"distribution_status": []}}])
def test_no_partners_said_is_empty(extensions: Any) -> None:
    assert partners_of(extensions) == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", PartnerStatus.PENDING),
        ("skipped", PartnerStatus.SKIPPED),
        ("failed", PartnerStatus.FAILED),
        ("in_progress", PartnerStatus.IN_PROGRESS),
        ("completed", PartnerStatus.COMPLETED),
        ("Not Sent", PartnerStatus.UNRECOGNISED),
    ],
)
def test_words(word: str, status: PartnerStatus) -> None:
    found = partners_of([{**ENTRY, "status": word}])
    assert found is not None
    assert [(one.status, one.raw_status) for one in found] == [(status, word)]


def test_one_partner_may_have_two_outputs() -> None:
    found = partners_of([ENTRY, {**ENTRY, "name": "B", "status": "failed", "status_message": "bad key"}])
    assert found is not None
    assert [(one.name, one.message) for one in found] == [("A", ""), ("B", "bad key")]


def test_long_texts_are_cut_to_what_is_kept() -> None:
    [found] = (
        partners_of(
            [{"domain": "d" * 999, "name": "n" * 999, "status": "s" * 999, "status_message": "m" * 9999}]
        )
        or ()
    )
    assert [len(text) for text in (found.domain, found.name, found.raw_status, found.message)] == [
        253,
        200,
        64,
        1000,
    ]
    assert "mmm" not in repr(found)
