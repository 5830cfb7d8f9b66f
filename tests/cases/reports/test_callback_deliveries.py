"""Callbacks with a good signature: kept as evidence byte by byte, applied once, and to nothing that is not ours."""

import json
from typing import Any

import pytest
from django.db import connection

from cases.lifecycle import RequestStatus
from cases.models import AuditEvent, Verdict
from dsrportal.models import DataKey
from tests.authority import Issued
from tests.cases.vendor import Gate, delivery_of, signature, status_events, statuses


@pytest.mark.parametrize("chunked", [True, False])
def test_a_delivery_keeps_the_bytes_as_they_came(gate: Gate, chunked: bool) -> None:
    request = gate.request()
    body = b"\n" + gate.body(request, partner="Ω \u2028").replace(b", ", b" ,\r\n\t") + b"  \n"
    assert gate.post(body, chunked=chunked).status == 202
    kept = delivery_of(body)
    assert kept.body == body
    assert (kept.verdict, kept.processor_request) == (Verdict.APPLIED, request)
    assert (kept.certificate_id, kept.address) == (gate.vendor.leaf.sha256, "127.0.0.1")
    assert kept.reported_status == "completed"
    assert kept.applied_at is not None
    assert kept.data_key.purpose == DataKey.Purpose.EVIDENCE


def test_what_a_delivery_holds_is_encrypted(gate: Gate) -> None:
    request = gate.request()
    body = gate.body(request)
    gate.post(body)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body, headers FROM cases_callbackdelivery WHERE id = %s", [delivery_of(body).pk]
        )
        stored = b"".join(bytes(column) for column in cursor.fetchone())
    assert str(request.pk).encode() not in stored
    assert b"opendsr" not in stored


def test_of_the_headers_only_the_listed_ones_are_kept(gate: Gate) -> None:
    body = gate.body(gate.request())
    gate.post(
        body, headers={"Cookie": "a=b", "Authorization": "Basic YTpi", "X-Api-Key": "s", "User-Agent": "mP"}
    )
    kept = delivery_of(body).headers
    assert set(kept) == {
        "content-type",
        "content-length",
        "user-agent",
        "x-opendsr-processor-domain",
        "x-opendsr-signature",
    }
    assert kept["user-agent"] == "mP"


def test_the_same_body_again_is_the_same_delivery(gate: Gate) -> None:
    request = gate.request()
    body = gate.body(request)
    assert gate.post(body).status == 202
    events, stands = status_events(request), statuses(request.case)
    assert gate.post(body, headers={"X-OpenDSR-Processor-Domain": "OpenDSR.mParticle.com"}).status == 202
    assert gate.post(body, chunked=True).status == 202
    assert delivery_of(body).repeats == 2
    assert (status_events(request), statuses(request.case)) == (events, stands)


@pytest.mark.parametrize(
    "changes",
    [
        {"controller_id": ...},
        {"status_callback_url": ...},
        {"status_callback_url": None},
        {"status_callback_url": 7},
        {"request_status": " Completed "},
        {"expected_completion_time": "2021-11-29T18:16:24.5568051Z"},
        {"expected_completion_time": "2018-05-31T16:27:28.679094"},
        {"expected_completion_time": None},
        {"expected_completion_time": "soon"},
        {"expected_completion_time": 17},
        {"api_version": "3.0", "group_id": None, "results_count": 1, "future": [{}]},
    ],
)
def test_what_vendors_write_differently_is_understood(gate: Gate, changes: dict[str, Any]) -> None:
    request = gate.request()
    assert gate.post(gate.body(request, **changes)).status == 202
    request.refresh_from_db()
    assert request.status == RequestStatus.COMPLETED


@pytest.mark.parametrize("spelled", ["{base}{path}", "{base}{path}/", "https://old.example{path}?from=2024"])
def test_the_token_in_the_callbacks_address_decides_not_its_host(gate: Gate, spelled: str) -> None:
    request = gate.request()
    url = spelled.format(base=gate.portal.url, path=gate.processor.callback_path.rstrip("/"))
    gate.post(gate.body(request, status_callback_url=url))
    request.refresh_from_db()
    assert request.status == RequestStatus.COMPLETED


def test_an_id_in_capitals_is_the_same_id(gate: Gate) -> None:
    request = gate.request()
    gate.post(gate.body(str(request.pk).upper()))
    request.refresh_from_db()
    assert request.status == RequestStatus.COMPLETED


@pytest.mark.parametrize("ending", ["", "/", "?utm=1", "/?utm=1"])
def test_the_address_answers_with_and_without_a_slash_and_never_redirects(gate: Gate, ending: str) -> None:
    body = gate.body(gate.request())
    answer = gate.post(body, path=gate.processor.callback_path.rstrip("/") + ending)
    assert (answer.status, answer.headers.get("location")) == (202, None)
    assert delivery_of(body).verdict == Verdict.APPLIED


def test_headers_are_found_in_whatever_case_and_the_signature_over_several_lines(gate: Gate) -> None:
    body = gate.body(gate.request())
    headers = {"x-opendsr-processor-domain": "OPENDSR.MPARTICLE.COM", "content-type": "text/plain"}
    assert gate.post(body, headers=headers, sign=lambda it: wrapped(it, gate.vendor.leaf)).status == 202
    assert delivery_of(body).verdict == Verdict.APPLIED


def wrapped(body: bytes, signer: Issued) -> str:
    """OpenDSR 7.4 shows the header wrapped over lines; blanks are what a client makes of that."""
    whole = signature(body, signer)
    return "  ".join(whole[start : start + 76] for start in range(0, len(whole), 76))


def test_compressed_bytes_are_what_they_are(gate: Gate) -> None:
    """A content encoding is not undone: the signature is over the bytes on the wire."""
    body = gate.body(gate.request())
    assert gate.post(body, headers={"Content-Encoding": "gzip"}).status == 202
    assert delivery_of(body).verdict == Verdict.APPLIED


def test_the_trail_of_a_callback_names_its_source_and_address(gate: Gate) -> None:
    request = gate.request()
    gate.post(gate.body(request))
    event = AuditEvent.objects.filter(case=request.case).latest("sequence")
    assert (event.source, event.address, event.actor_id) == ("callback", "127.0.0.1", None)
    assert json.dumps(event.details).count(str(request.pk)) == 1
