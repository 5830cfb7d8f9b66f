"""What is refused with 400, and what only looks as if it should be."""

import json
from typing import Any

import pytest

from tests.sandbox import Sandbox

from .bodies import a_request, extension, raw

REFUSED: dict[str, dict[str, Any]] = {
    "no regulation": {"regulation": None},
    "no id": {"subject_request_id": None},
    "no type": {"subject_request_type": None},
    "no time": {"submitted_time": None},
    "no identities": {"subject_identities": None},
    "empty identities": {"subject_identities": {}},
    "unknown regulation": {"regulation": "lgpd"},
    "unknown type": {"subject_request_type": "opt-out"},
    "upper-case id": {"subject_request_id": "A7551968-D5D6-44B2-9831-815AC9017798"},
    "UUID version 1": {"subject_request_id": "a7551968-d5d6-11b2-9831-815ac9017798"},
    "no UUID": {"subject_request_id": "1"},
    "date only": {"submitted_time": "2026-03-01"},
    "no zone": {"submitted_time": "2026-03-01T09:30:00"},
    "no such day": {"submitted_time": "2026-02-30T09:30:00Z"},
    "identities as an array": {
        "subject_identities": [{"identity_type": "email", "identity_value": "a@example.org"}]
    },
    "identity as a string": {"subject_identities": {"email": "a@example.org"}},
    "unknown identity type": {"subject_identities": {"twitter": raw("a")}},
    "the misspelt roku type": {"subject_identities": {"roku_publishing_id": raw("a")}},
    "extension type among the standard ones": {"subject_identities": {"other": raw("a")}},
    "standard type in the extension": {"extensions": extension(subject_identities={"email": raw("a")})},
    "hashed": {"subject_identities": {"email": {"value": "ab12", "encoding": "sha256"}}},
    "no encoding": {"subject_identities": {"email": {"value": "a@example.org"}}},
    "no value": {"subject_identities": {"email": {"encoding": "raw"}}},
    "number as value": {"subject_identities": {"email": {"value": 7, "encoding": "raw"}}},
    "mpid with an e-mail address": {"extensions": extension(subject_identities={"mpid": raw("7")})},
    "mpid with other": {
        "subject_identities": None,
        "extensions": extension(subject_identities={"mpid": raw("7"), "other": raw("x")}),
    },
    "mpid that is no number": {
        "subject_identities": None,
        "extensions": extension(subject_identities={"mpid": raw("7.0")}),
    },
    "51 identities": {"subject_identities": {f"type{number}": raw("x") for number in range(51)}},
    "extensions as an array": {"extensions": [extension()]},
    "skip as a string": {"extensions": extension(skip_waiting_period="true")},
    "skip at the top level": {"skip_waiting_period": True},
    "callback URL as a string": {"status_callback_urls": "https://localhost/x"},
    "version 2": {"api_version": "2.0"},
    "group as a number": {"group_id": 7},
}

TAKEN: dict[str, dict[str, Any]] = {
    "negative mpid alone": {
        "subject_identities": None,
        "extensions": extension(subject_identities={"mpid": raw("-3512845671234567890")}),
    },
    "skip as a boolean": {"extensions": extension(skip_waiting_period=True)},
    "extension types beside standard ones": {
        "extensions": extension(subject_identities={"other10": raw("x"), "mobile_number": raw("+49 1")})
    },
    "somebody else's extension": {"extensions": {"example.com": [1]}},
    "an offset": {"submitted_time": "2026-03-01T09:30:00.1234567+02:00"},
    "no api_version": {"api_version": None},
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_is_refused(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    status, _, answer = sandbox.call("POST", "/v3/requests", a_request(**changes))
    assert status == 400
    envelope = json.loads(answer)
    assert envelope["code"] == 400
    assert envelope["message"].endswith(".")
    assert sandbox.state()["requests"] == []


@pytest.mark.parametrize("changes", TAKEN.values(), ids=TAKEN.keys())
def test_is_taken(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    assert sandbox.call("POST", "/v3/requests", a_request(**changes))[0] == 201


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_is_refused(sandbox: Sandbox, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert sandbox.call("POST", "/v3/requests", body, headers=headers)[0] == 400


def test_a_lenient_vendor_ignores_a_misplaced_skip(sandbox: Sandbox) -> None:
    sandbox.switches(strict_skip_waiting_period=False)
    body = a_request(skip_waiting_period=True, extensions=extension(skip_waiting_period="true"))
    assert sandbox.call("POST", "/v3/requests", body)[0] == 201
    assert sandbox.state()["requests"][0]["skip_waiting_period"] is False
