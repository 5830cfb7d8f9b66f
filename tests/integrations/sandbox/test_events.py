"""Event batches: the schema's refusals, what a batch does to a profile, and batches that come twice."""

import base64
import copy
from typing import Any

import pytest

from tests.sandbox import Sandbox

from .bodies import DAY, send, with_input_key

# The CCPA opt-out of the vendor's schema: `consented` true means opted out.
CONSENT = {"consented": True, "timestamp_unixtime_ms": 1772357400000, "document": "privacy-notice-v7"}
OPT_OUT: dict[str, Any] = {
    "environment": "production",
    "mpid": -3512845671234567890,
    "source_request_id": "optout-case-1042-1",
    "consent_state": {"ccpa": {"data_sale_opt_out": CONSENT}},
}


def changed(**changes: Any) -> dict[str, Any]:
    """The opt-out with other top-level properties; None leaves one out."""
    batch = {**copy.deepcopy(OPT_OUT), **changes}
    return {name: value for name, value in batch.items() if value is not None}


def test_an_opt_out_is_kept_with_the_profile(sandbox: Sandbox) -> None:
    sandbox.person({"mpid": "-3512845671234567890", "email": "jane@example.org"})
    assert send(sandbox, **OPT_OUT) == 202
    (row,) = sandbox.people()
    assert row["consent_state"] == OPT_OUT["consent_state"]
    (batch,) = sandbox.batches()
    taken = batch.pop("taken")
    assert batch == OPT_OUT
    assert (taken["workspace"], taken["mpid"], taken["created"]) == ("4302", "-3512845671234567890", False)
    assert sandbox.state()["calls"] == {"POST /s2s/v2/events 202": 1}


REFUSED: dict[str, dict[str, Any]] = {
    "mpid as a text": changed(mpid="-3512845671234567890"),
    "mpid as a float": changed(mpid=1.5),
    "mpid beyond 64 bits": changed(mpid=2**63),
    "customerid": changed(user_identities={"customerid": "c-881"}),
    "other2": changed(user_identities={"other2": "n-7"}),
    "no time of consent": changed(consent_state={"ccpa": {"data_sale_opt_out": {"consented": True}}}),
    "no consent in the consent": changed(
        consent_state={"gdpr": {"marketing": {"timestamp_unixtime_ms": 1772357400000}}}
    ),
    "consent as a text": changed(
        consent_state={"gdpr": {"marketing": {"consented": "false", "timestamp_unixtime_ms": 1}}}
    ),
    "another law": changed(consent_state={"lgpd": {}}),
    "schema_version": changed(schema_version=2),
    "unknown environment": changed(environment="unknown"),
    "device id that is no UUID": changed(device_info={"ios_advertising_id": "idfa-1"}),
    "unknown device property": changed(device_info={"android_id": "f924f1e5707b34b7"}),
    "event of no kind": changed(events=[{"event_type": "opt-out", "data": {}}]),
    "event without data": changed(events=[{"event_type": "custom_event"}]),
    "attribute that is an object": changed(user_attributes={"plan": {"name": "premium"}}),
}


@pytest.mark.parametrize("batch", REFUSED.values(), ids=REFUSED.keys())
def test_is_refused(sandbox: Sandbox, batch: dict[str, Any]) -> None:
    status, _, answer = sandbox.call("POST", "/s2s/v2/events", batch, headers=with_input_key(sandbox))
    assert status == 400
    assert b'{"errors":[{"code":"BAD_REQUEST","message":"' in answer
    assert (sandbox.batches(), sandbox.people()) == ([], [])


TAKEN: dict[str, dict[str, Any]] = {
    "no environment": changed(environment=None),
    "no events": changed(),
    "empty events": changed(events=[]),
    "identities of users and devices": changed(
        mpid=None,
        user_identities={"customer_id": "c-881", "other_id_2": "n-7", "mobile_number": "+49 1"},
        device_info={"android_uuid": "f924f1e5707b34b7", "platform": "Android"},
    ),
    "a consent under the GDPR": changed(
        consent_state={"gdpr": {"marketing": {"consented": False, "timestamp_unixtime_ms": 1772357400000}}}
    ),
    "an attribute of many values": changed(user_attributes={"brands": ["a", "b"], "excluded": True}),
}


@pytest.mark.parametrize("batch", TAKEN.values(), ids=TAKEN.keys())
def test_is_taken(sandbox: Sandbox, batch: dict[str, Any]) -> None:
    assert send(sandbox, **batch) == 202


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7"])
def test_what_is_no_json_object_is_refused(sandbox: Sandbox, body: bytes) -> None:
    assert sandbox.call("POST", "/s2s/v2/events", body, headers=with_input_key(sandbox))[0] == 400


def test_without_credentials_401_and_with_wrong_ones_403(sandbox: Sandbox) -> None:
    wrong = base64.b64encode(b"sandbox-input-key:wrong").decode()
    for path in ("/s2s/v2/events", "/s2s/v2/bulkevents"):
        assert sandbox.call("POST", path, OPT_OUT, workspace=None)[0] == 401
        headers = {"Authorization": f"Basic {wrong}"}
        assert sandbox.call("POST", path, OPT_OUT, headers=headers)[0] == 403
        assert sandbox.call("POST", path, OPT_OUT, workspace=0)[0] == 403  # the workspace's own key
    assert sandbox.batches() == []


def test_identities_that_match_nobody_make_a_profile(sandbox: Sandbox) -> None:
    sandbox.switches(strangers="unknown")
    identities = {"customer_id": "c-881", "email": "jane@example.org"}
    assert send(sandbox, **changed(mpid=None, user_identities=identities)) == 202
    (row,) = sandbox.people()
    assert row["identities"] == {"controller_customer_id": "c-881", "email": "jane@example.org"}
    assert sandbox.batches()[0]["taken"]["created"] is True


def test_attributes_are_set_and_deleted(sandbox: Sandbox) -> None:
    mpid = int(sandbox.person({"email": "jane@example.org"}, attributes={"plan": "premium", "city": "Bath"}))
    attributes = {"dsr_excluded": True, "city": None}
    send(sandbox, mpid=mpid, user_attributes=attributes, deleted_user_attributes=["plan"])
    assert sandbox.people()[0]["attributes"] == {"dsr_excluded": True}


def test_a_repeated_source_request_id_is_dropped_for_thirty_days(sandbox: Sandbox) -> None:
    for _ in range(3):
        assert send(sandbox, **OPT_OUT) == 202
    assert [batch["taken"]["repeats"] for batch in sandbox.batches()] == [2]
    sandbox.advance(31 * DAY)
    send(sandbox, **OPT_OUT)
    assert [batch["taken"]["repeats"] for batch in sandbox.batches()] == [2, 0]
    headers = with_input_key(sandbox, 1)
    assert sandbox.call("POST", "/s2s/v2/events", OPT_OUT, headers=headers)[0] == 202
    assert len(sandbox.batches()) == 3  # another key remembers others


@pytest.mark.parametrize("status", [400, 202])
def test_a_batch_about_nobody_is_a_switch(sandbox: Sandbox, status: int) -> None:
    sandbox.switches(empty_batch=status)
    assert send(sandbox, environment="production") == status
    assert sandbox.people() == []


def test_many_batches_are_taken_even_if_some_are_bad(sandbox: Sandbox) -> None:
    headers = with_input_key(sandbox)
    many = [changed(mpid=1), changed(mpid="2"), changed(mpid=3, source_request_id="another")]
    assert sandbox.call("POST", "/s2s/v2/bulkevents", many, headers=headers)[0] == 202
    assert [row["id"] for row in sandbox.people()] == ["1", "3"]
    assert sandbox.call("POST", "/s2s/v2/bulkevents", [OPT_OUT] * 101, headers=headers)[0] == 400
    assert sandbox.call("POST", "/s2s/v2/bulkevents", OPT_OUT, headers=headers)[0] == 400


def test_too_large_a_batch_is_refused(sandbox: Sandbox) -> None:
    assert send(sandbox, **changed(user_attributes={"note": "x" * 129 * 1024})) == 400


def test_a_lost_answer_is_a_batch_taken(sandbox: Sandbox) -> None:
    sandbox.faults([{"method": "POST", "path": "/s2s/v2/events", "fault": "reset_after"}])
    with pytest.raises(ConnectionError):
        send(sandbox, **OPT_OUT)
    send(sandbox, **OPT_OUT)
    assert [batch["taken"]["repeats"] for batch in sandbox.batches()] == [1]
