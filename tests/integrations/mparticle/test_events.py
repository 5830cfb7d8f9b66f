"""Batches: what is in them, to the letter, and what each answer means."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from integrations.errors import IntegrationError, RateLimited, Rejected, Unauthorized, UnexpectedAnswer
from integrations.mparticle.connector import MParticle
from integrations.mparticle.events import consent_batch, exclusion_batch
from integrations.types import Identity
from tests.integrations.mparticle.conftest import asked, request, says
from tests.integrations.odd_server import OddServer, answer
from tests.integrations.rows import row_of

ID = UUID("a7551968-d5d6-44b2-9831-815ac9017798")
MPID = "-3512845671234567890"
OPT_OUT = request(
    request_id=ID,
    request_type="opt_out",
    regulation="ccpa",
    submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    identities=(Identity("mpid", MPID),),
)


def batch(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"mpid": MPID, "environment": "production", "document": ""}
    sent = request(**{"request_id": ID, "request_type": "opt_out", "regulation": "ccpa"} | changes)
    return consent_batch(sent, **given)


# What the vendor's schema (mparticle.inbound.eventsapi.schema.json) takes, of what a batch of ours could hold. It has
# no room for properties that it does not name.
TOP = {
    "environment", "mpid", "source_request_id", "consent_state", "user_attributes", "user_identities", "events",
}  # fmt: skip
USERS = {"customer_id", "email", "other", *(f"other_id_{n}" for n in range(2, 11))}
CONSENT = {"consented", "timestamp_unixtime_ms", "document", "location", "hardware_id"}


def problems(batch: dict[str, Any]) -> Iterator[str]:
    yield from set(batch) - TOP
    yield from set(batch.get("user_identities", {})) - USERS
    if batch.get("environment") not in ("production", "development"):
        yield "environment"
    if "mpid" in batch and type(batch["mpid"]) is not int:
        yield "mpid"
    for regulation, purposes in batch.get("consent_state", {}).items():
        if regulation not in ("gdpr", "ccpa"):
            yield regulation
        for consent in purposes.values():
            yield from set(consent) - CONSENT
            if type(consent.get("consented")) is not bool:
                yield "consented"
            if type(consent.get("timestamp_unixtime_ms")) is not int:
                yield "timestamp_unixtime_ms"


def test_the_smallest_opt_out_under_the_ccpa() -> None:
    made = consent_batch(OPT_OUT, mpid=MPID, environment="production", document="privacy-notice-v7")
    request_id = made["source_request_id"]
    assert made == {
        "environment": "production",
        "mpid": -3512845671234567890,
        "source_request_id": request_id,
        "consent_state": {
            "ccpa": {
                "data_sale_opt_out": {
                    # True: opted out.
                    "consented": True,
                    "timestamp_unixtime_ms": 1772357400000,
                    "document": "privacy-notice-v7",
                }
            }
        },
    }
    assert UUID(request_id) != ID
    assert list(problems(made)) == []


def test_under_the_gdpr_false_takes_consent_back() -> None:
    made = batch(regulation="gdpr", purposes=("advertising", "Profiling & more"))
    consent = {"consented": False, "timestamp_unixtime_ms": 1772357400000}
    assert made["consent_state"] == {"gdpr": {"advertising": consent, "Profiling & more": consent}}
    assert list(problems(made)) == []


def test_the_moment_is_in_whole_milliseconds() -> None:
    made = batch(submitted_at=datetime(2026, 3, 1, 9, 30, 0, 999_999, tzinfo=UTC))
    assert made["consent_state"]["ccpa"]["data_sale_opt_out"]["timestamp_unixtime_ms"] == 1772357400999


@pytest.mark.parametrize("changes", [{"regulation": "gdpr"}, {"regulation": "lgpd", "purposes": ("a",)}])
def test_what_is_no_opt_out_is_never_made(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        batch(**changes)


def test_a_retry_has_the_id_of_the_first_and_no_other_batch_has() -> None:
    again = batch()["source_request_id"]
    assert again == batch()["source_request_id"]
    others = [
        batch(request_id=UUID(int=5)),
        consent_batch(OPT_OUT, mpid="5", environment="production", document=""),
        exclusion_batch(ID, mpid=MPID, environment="production", attribute="x"),
    ]
    assert len({again, *(other["source_request_id"] for other in others)}) == 4
    assert MPID not in again


def test_the_exclusion() -> None:
    made = exclusion_batch(ID, mpid=MPID, environment="development", attribute="erasure pending")
    del made["source_request_id"]
    assert made == {
        "environment": "development",
        "mpid": -3512845671234567890,
        "user_attributes": {"erasure pending": True},
    }


@pytest.mark.parametrize(
    "spoilt",
    [
        {"user_identities": {"customerid": "c"}},
        {"user_identities": {"other2": "c"}},
        {"mpid": MPID},
        {"mpid": 1.0},
        {"consent_state": {"ccpa": {"data_sale_opt_out": {"consented": True}}}},
        {"schema_version": 2},
        {"environment": "unknown"},
    ],
)
def test_what_the_vendor_would_refuse_does_not_pass_these_tests_either(spoilt: dict[str, Any]) -> None:
    assert list(problems(batch() | spoilt)) != []


def send(mparticle: MParticle) -> None:
    mparticle._events().send(batch())


def test_what_goes_out(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 202)
    send(odd_mparticle)
    assert asked(odd) == ["POST /s2s/v2/events"]
    # A whole number on the wire, and not one that a float has been through.
    assert b'"mpid":-3512845671234567890,' in odd.bodies[0]
    assert json.loads(odd.bodies[0]) == batch()
    assert b"Authorization: Basic dGhlLWlucHV0LWtleTp0aGUtaW5wdXQtc2VjcmV0" in odd.requests[0]


def test_basic_whatever_idsync_is_told_with(odd_mparticle: MParticle, odd: OddServer) -> None:
    row_of(odd_mparticle).options["identity_auth"] = "hmac"
    says(odd, 202)
    send(odd_mparticle)
    assert b"x-mp-signature" not in odd.requests[0]


@pytest.mark.parametrize(
    "raw", [answer(202), answer(202, b"<html>"), answer(200, b"{"), b"HTTP/1.1 204 No\r\n\r\n"]
)
def test_taken_is_what_the_status_says(odd_mparticle: MParticle, odd: OddServer, raw: bytes) -> None:
    odd.replies.append(raw)
    send(odd_mparticle)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (413, Rejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, UnexpectedAnswer),
        (429, RateLimited),
        (503, UnexpectedAnswer),
    ],
)
def test_not_taken(
    odd_mparticle: MParticle, odd: OddServer, status: int, kind: type[IntegrationError]
) -> None:
    says(odd, status, {"errors": [{"code": "BAD_REQUEST", "message": MPID}]})
    with pytest.raises(IntegrationError) as failure:
        send(odd_mparticle)
    assert type(failure.value) is kind
    assert MPID not in str(failure.value)
    assert getattr(failure.value, "key_field", "input_key") == "input_key"


def test_no_profile_or_secret_is_logged(
    odd_mparticle: MParticle, odd: OddServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    says(odd, 202)
    send(odd_mparticle)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    text = " ".join([*ours, repr(odd_mparticle._events())])
    assert "POST localhost/events 202" in text
    assert MPID not in text
    assert "the-input" not in text
