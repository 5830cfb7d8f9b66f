"""Signed, but not to be read or not for us: kept, shown to a human, and applied to nothing."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AttentionItem, AttentionKind, AuditEvent, Verdict
from cases.views import CALLBACK_LIMIT_BYTES
from integrations.models import Processor
from tests.cases.vendor import Gate, delivery_of, refusals, snapshot, statuses

# Where it shows that a signed callback was not for us.
SHOWING = ("cases_callbackdelivery", "cases_attentionitem", "cases_auditevent", "cases_auditchain")


NOT_READABLE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "blanks": lambda _: b" \r\n",
    "not JSON": lambda _: b"status=completed",
    "cut": lambda it: it[:-1],
    "an array": lambda it: b"[" + it + b"]",
    "text": lambda _: b'"completed"',
    "a key twice": lambda it: it.replace(b'"results_url"', b'"request_status": "pending", "results_url"'),
    "not a number": lambda it: it.replace(b'"results_url": null', b'"results_url": NaN'),
    "not UTF-8": lambda it: it.replace(b"completed", b"complet\xe9"),
    "UTF-16": lambda it: it.decode().encode("utf-16"),
    "NUL in a text": lambda it: it.replace(b'"completed"', b'"completed\\u0000"'),
    "half a letter": lambda it: it.replace(b'"extensions": null', b'"extensions": [{"name": "\\ud800"}]'),
    "very deep": lambda it: it.replace(b'"extensions": null', b'"extensions": ' + b"[" * 9000 + b"]" * 9000),
    "a number of 5,000 digits": lambda it: it.replace(b'"extensions": null', b'"extensions": ' + b"9" * 5000),
    "just at the limit": lambda it: (b"?" + it).ljust(CALLBACK_LIMIT_BYTES),
}


@pytest.mark.parametrize("name", NOT_READABLE)
def test_signed_bytes_that_cannot_be_read_are_kept_and_change_nothing(gate: Gate, name: str) -> None:
    body = NOT_READABLE[name](gate.body(gate.request()))
    assert_kept_for_a_human(gate, body, Verdict.MALFORMED)


def assert_kept_for_a_human(
    gate: Gate, body: bytes, verdict: Verdict, *, to: Processor | None = None
) -> None:
    """Kept, shown by one item of the processor's, and otherwise without any effect."""
    processor, known = to or gate.processor, set(AuditEvent.objects.values_list("pk", flat=True))
    before = snapshot(without=SHOWING)
    assert gate.post(body, to=to).status == 202
    assert snapshot(without=SHOWING) == before
    kept = delivery_of(body)
    assert (kept.verdict, kept.processor, kept.processor_request) == (verdict, processor, None)
    assert kept.body == body
    item = AttentionItem.objects.get(kind=AttentionKind.FOREIGN_CALLBACK, processor=processor)
    assert (item.resolved_at, item.case, item.processor_request) == (None, None, None)
    events = AuditEvent.objects.exclude(pk__in=known)
    assert {event.action for event in events} <= {"attention.opened"}
    assert refusals() == {}


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        (Verdict.MALFORMED, {"subject_request_id": ...}),
        (Verdict.MALFORMED, {"subject_request_id": "1"}),
        (Verdict.MALFORMED, {"subject_request_id": uuid.uuid4().hex}),
        (Verdict.MALFORMED, {"subject_request_id": f"urn:uuid:{uuid.uuid4()}"}),
        (Verdict.MALFORMED, {"request_status": ...}),
        (Verdict.MALFORMED, {"request_status": 3}),
        (Verdict.MALFORMED, {"request_status": ""}),
        (Verdict.MALFORMED, {"controller_id": {"id": "account-first"}}),
        (Verdict.MALFORMED, {"results_url": ["https://localhost/v3"]}),
        (Verdict.FOREIGN_ACCOUNT, {"controller_id": "1402"}),
        (Verdict.FOREIGN_ACCOUNT, {"controller_id": 1402}),
        (Verdict.FOREIGN_ACCOUNT, {"controller_id": " account-first"}),
        (Verdict.FOREIGN_ADDRESS, {"status_callback_url": "https://webhook.site/6dfd0447"}),
        (Verdict.FOREIGN_ADDRESS, {"status_callback_url": "https://portal.example/"}),
        (Verdict.FOREIGN_ADDRESS, {"status_callback_url": "?"}),
        (Verdict.UNKNOWN_REQUEST, {"subject_request_id": str(uuid.uuid4())}),
    ],
)
def test_a_signed_callback_that_is_not_for_us_is_kept_and_changes_nothing(
    gate: Gate, verdict: Verdict, changes: dict[str, Any]
) -> None:
    assert_kept_for_a_human(gate, gate.body(gate.request(), **changes), verdict)


def test_a_callback_for_another_processors_request_changes_nothing(gate: Gate) -> None:
    theirs = gate.request(to=gate.second)
    body = gate.body(str(theirs.pk))
    assert_kept_for_a_human(gate, body, Verdict.OTHER_PROCESSOR)


@pytest.mark.parametrize(
    ("left_out", "verdict"),
    [
        ((), Verdict.FOREIGN_ACCOUNT),
        (("controller_id",), Verdict.FOREIGN_ADDRESS),
        (("controller_id", "status_callback_url"), Verdict.OTHER_PROCESSOR),
    ],
)
def test_a_callback_taken_to_another_processors_address_changes_nothing(
    gate: Gate, left_out: tuple[str, ...], verdict: Verdict
) -> None:
    """One key signs for all customers, so a genuine callback can be carried elsewhere."""
    missing: dict[str, Any] = dict.fromkeys(left_out, ...)
    body = gate.body(gate.request(), **missing)
    assert_kept_for_a_human(gate, body, verdict, to=gate.second)


def test_an_unknown_status_word_is_kept_and_a_human_is_asked(gate: Gate) -> None:
    request = gate.request()
    body = gate.body(request, "error")
    assert gate.post(body).status == 202
    assert (delivery_of(body).verdict, delivery_of(body).processor_request) == (
        Verdict.UNKNOWN_STATUS,
        request,
    )
    request.refresh_from_db()
    assert (request.status, request.reported_status) == (RequestStatus.QUEUED, "error")
    item = AttentionItem.objects.get(case=request.case)
    assert (item.kind, item.resolved_at) == (AttentionKind.UNKNOWN_STATUS, None)
    assert statuses(request.case)[0] == CaseStatus.ATTENTION
    gate.post(gate.body(request, "completed"))
    assert AttentionItem.objects.get(case=request.case).resolution == "answered"
