"""The exact body of a create call."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from integrations.errors import Rejected
from integrations.opendsr.bodies import body_of
from integrations.types import Identity, IdentityType, Submission

REQUEST = Submission(
    request_id=UUID("2F0E6C1E-5D0B-4F6E-9A3C-0D9F5B1A7C11"),
    request_type="erasure",
    regulation="ccpa",
    submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    identities=(Identity("controller_customer_id", "c-881"),),
    skip_waiting_period=True,
    group_id="case-1042",
    callback_url="https://portal.example/opendsr/callbacks/k3yR",
)
BARE: dict[str, Any] = {
    "regulation": "ccpa",
    "subject_request_id": "2f0e6c1e-5d0b-4f6e-9a3c-0d9f5b1a7c11",
    "subject_request_type": "erasure",
    "submitted_time": "2026-03-01T09:30:00Z",
    "api_version": "3.0",
}


def body(**changes: Any) -> dict[str, Any]:
    """As it is on the wire: through JSON and back."""
    built = body_of(replace(REQUEST, **changes), extension_domain="opendsr.mparticle.com")
    read: dict[str, Any] = json.loads(json.dumps(built))
    return read


def test_a_whole_erasure() -> None:
    assert body() == {
        **BARE,
        "group_id": "case-1042",
        "subject_identities": {"controller_customer_id": {"value": "c-881", "encoding": "raw"}},
        "status_callback_urls": ["https://portal.example/opendsr/callbacks/k3yR"],
        "extensions": {"opendsr.mparticle.com": {"skip_waiting_period": True}},
    }


def test_what_is_empty_is_left_out() -> None:
    assert body(skip_waiting_period=False, group_id="", callback_url="") == {
        **BARE,
        "subject_identities": {"controller_customer_id": {"value": "c-881", "encoding": "raw"}},
    }


def test_mpid_alone_is_in_the_extension_as_text() -> None:
    made = body(
        identities=(Identity("mpid", "-3512845671234567890"),),
        skip_waiting_period=False,
        group_id="",
        callback_url="",
    )
    identities = {"mpid": {"value": "-3512845671234567890", "encoding": "raw"}}
    assert made == {**BARE, "extensions": {"opendsr.mparticle.com": {"subject_identities": identities}}}


def test_types_of_both_kinds_and_the_skip_in_one_request() -> None:
    made = body(
        identities=(
            Identity("email", "Ada@Example.com "),
            Identity("other2", "x"),
            Identity("phone_number_3", "1"),
        )
    )
    assert made["subject_identities"] == {"email": {"value": "Ada@Example.com ", "encoding": "raw"}}
    assert made["extensions"] == {
        "opendsr.mparticle.com": {
            "subject_identities": {
                "other2": {"value": "x", "encoding": "raw"},
                "phone_number_3": {"value": "1", "encoding": "raw"},
            },
            "skip_waiting_period": True,
        }
    }


@pytest.mark.parametrize("request_type", ["access", "portability"])
def test_only_an_erasure_can_skip(request_type: str) -> None:
    made = body(request_type=request_type, skip_waiting_period=True)
    assert "extensions" not in made
    assert made["subject_request_type"] == request_type


def test_all_types_but_mpid_at_once() -> None:
    made = body(identities=tuple(Identity(kind, "x") for kind in IdentityType.values if kind != "mpid"))
    assert len(made["subject_identities"]) == 11
    assert len(made["extensions"]["opendsr.mparticle.com"]["subject_identities"]) == 13


def test_the_time_is_the_persons_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    made = body(submitted_at=datetime(2026, 3, 1, 0, 30, 59, 999999, tzinfo=berlin))
    assert made["submitted_time"] == "2026-02-28T23:30:59Z"


@pytest.mark.parametrize(
    "changes",
    [
        {"identities": ()},
        {"identities": (Identity("email", "a"), Identity("email", "b"))},
        {"identities": (Identity("mpid", "1"), Identity("email", "b"))},
        {"identities": (Identity("mpid", "1"), Identity("other", "b"))},
        {"identities": (Identity("shoe_size", "42"), Identity("email", "b"))},
        {"request_type": "opt_out"},
        {"regulation": "lgpd"},
    ],
)
def test_what_would_be_lost_or_refused_is_never_sent(changes: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        body(**changes)
