"""Callbacks out of order, late, again and again: a request only ever moves on."""

import json
from typing import Any

import pytest

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, ProcessorRequest, Verdict
from cases.services.closing import closing
from integrations.types import PartnerStatus
from tests.builders import actor, ready_case
from tests.cases.vendor import Gate, delivery_of, snapshot, status_events, statuses

DOMAIN = "opendsr.mparticle.com"
PARTNER = {"domain": "braze.com", "name": "Braze", "status": "sent", "status_message": None}


def told(gate: Gate, request: ProcessorRequest, status: str, **changes: Any) -> Verdict:
    """Have one word arrive; what came of it."""
    body = gate.body(request, status, **changes)
    assert gate.post(body).status == 202
    request.refresh_from_db()
    return Verdict(delivery_of(body).verdict)


@pytest.mark.parametrize(
    "words",
    [
        ("pending", "in_progress", "completed"),
        ("pending", "completed"),
        ("in_progress", "completed"),
        ("completed",),
        ("pending", "cancelled"),
        ("in_progress", "cancelled"),
        ("cancelled",),
    ],
)
def test_steps_may_be_left_out(gate: Gate, words: tuple[str, ...]) -> None:
    request = gate.request()
    assert [told(gate, request, word) for word in words] == [Verdict.APPLIED] * len(words)
    assert request.status == words[-1]
    assert status_events(request) == ["queued", *words]


@pytest.mark.parametrize(
    ("reached", "late"),
    [
        ("in_progress", "pending"),
        ("completed", "pending"),
        ("completed", "in_progress"),
        ("completed", "cancelled"),
        ("cancelled", "pending"),
        ("cancelled", "completed"),
    ],
)
def test_a_late_word_is_kept_and_changes_nothing(gate: Gate, reached: str, late: str) -> None:
    request = gate.request()
    told(gate, request, reached)
    before = snapshot(without=("cases_callbackdelivery",))
    assert told(gate, request, late, expected_completion_time="2031-01-01T00:00:00Z") == Verdict.NOTHING_NEW
    assert snapshot(without=("cases_callbackdelivery",)) == before


def test_a_replay_of_an_old_word_changes_nothing_however_often_it_comes(gate: Gate) -> None:
    request = gate.answered_but()
    first = gate.body(request, "pending")
    gate.post(first)
    told(gate, request, "completed")
    before = snapshot(without=("cases_callbackdelivery",))
    for _ in range(3):
        assert gate.post(first).status == 202
    assert snapshot(without=("cases_callbackdelivery",)) == before
    assert delivery_of(first).repeats == 3
    assert statuses(request.case)[0] == CaseStatus.REVIEW


def test_a_word_on_a_request_that_nobody_approved_changes_nothing(gate: Gate) -> None:
    case = ready_case()
    planned = ProcessorRequest.objects.get(case=case, processor=gate.processor)
    assert told(gate, planned, "completed") == Verdict.NOTHING_NEW
    assert statuses(case) == (CaseStatus.READY, [RequestStatus.PLANNED] * 2)


def test_news_after_the_close_is_shown_and_does_not_open_the_case_again(gate: Gate) -> None:
    request = gate.answered_but()
    told(gate, request, "completed")
    closing.close(request.case, actor=actor("agnes"), outcome="fulfilled")
    assert told(gate, request, "pending") == Verdict.NOTHING_NEW
    assert told(gate, request, "completed", extensions=[{**PARTNER, "status": "failed"}]) == Verdict.APPLIED
    assert statuses(request.case)[0] == CaseStatus.CLOSED
    assert AttentionItem.objects.get(case=request.case).kind == AttentionKind.PARTNER_FAILED


def test_a_new_estimate_is_news_once(gate: Gate) -> None:
    request = gate.request()
    told(gate, request, "pending")
    moved = told(gate, request, "pending", expected_completion_time="2027-02-01T00:00:00Z")
    again = told(gate, request, "pending", expected_completion_time="2027-02-01T00:00:00Z", note=2)
    assert (moved, again) == (Verdict.APPLIED, Verdict.NOTHING_NEW)
    assert request.expected_completion_raw == "2027-02-01T00:00:00Z"
    told(gate, request, "pending", expected_completion_time=None)
    assert request.expected_completion_raw == "2027-02-01T00:00:00Z"


@pytest.mark.parametrize(
    "shape",
    [
        [PARTNER],
        {DOMAIN: {"distribution_status": [PARTNER]}},
        {"braze.com": PARTNER},
        {"braze.com": [PARTNER]},
        [{**PARTNER, "status": " SENT "}, "junk", None, {"domain": "nothing.example"}],
    ],
)
def test_partners_are_found_in_every_shape(gate: Gate, shape: object) -> None:
    request = gate.request()
    assert told(gate, request, "pending", extensions=shape) == Verdict.APPLIED
    row = request.forwarding_extensions.get()
    assert (row.domain, row.name, row.status) == ("braze.com", "Braze", PartnerStatus.SENT)


@pytest.mark.parametrize("shape", [None, [], {}, {DOMAIN: {"distribution_status": []}}, {DOMAIN: 7}, "x", 3])
def test_where_no_partner_is_named_none_is_invented(gate: Gate, shape: object) -> None:
    request = gate.request()
    assert told(gate, request, "completed", extensions=shape) == Verdict.APPLIED
    assert not request.forwarding_extensions.exists()


def test_a_partner_that_was_told_is_not_pending_again(gate: Gate) -> None:
    request = gate.request()
    for number, (word, expected) in enumerate(
        [
            ("pending", PartnerStatus.PENDING),
            ("sent", PartnerStatus.SENT),
            ("pending", PartnerStatus.SENT),
            ("in_progress", PartnerStatus.SENT),
            ("failed", PartnerStatus.FAILED),
            ("pending", PartnerStatus.FAILED),
            ("not sent", PartnerStatus.UNRECOGNISED),
        ]
    ):
        told(gate, request, "pending", number=number, extensions=[{**PARTNER, "status": word}])
        assert request.forwarding_extensions.get().status == expected
    assert request.forwarding_extensions.get().raw_status == "not sent"
    item = AttentionItem.objects.get(case=request.case)
    assert (item.kind, item.resolved_at) == (AttentionKind.PARTNER_FAILED, None)


def test_partners_of_one_domain_are_told_apart_by_name(gate: Gate) -> None:
    request = gate.request()
    told(gate, request, "pending", extensions=[PARTNER, {**PARTNER, "name": "Braze EU", "status": "skipped"}])
    told(gate, request, "completed", extensions=[{**PARTNER, "name": "Braze EU", "status": "sent"}])
    rows = request.forwarding_extensions.order_by("name").values_list("name", "status")
    assert list(rows) == [("Braze", PartnerStatus.SENT), ("Braze EU", PartnerStatus.SENT)]


def test_what_a_partner_says_is_encrypted(gate: Gate) -> None:
    request = gate.request()
    words = "no user ada.lovelace@example.org"
    told(gate, request, "pending", extensions=[{**PARTNER, "status": "skipped", "status_message": words}])
    row = request.forwarding_extensions.select_related("processor_request__case__data_key").get()
    assert row.message == words
    assert words not in json.dumps(list(snapshot().values()))
