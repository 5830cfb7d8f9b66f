"""What arrives at a callback URL, when, and signed how."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox import Sandbox

from .bodies import DAY, MINUTE, create, extension, read
from .receiver import Received, Receiver


def words(receiver: Receiver) -> list[str]:
    return [json.loads(got.body)["request_status"] for got in receiver.received]


def verify(sandbox: Sandbox, got: Received, scheme: Any = None) -> None:
    """Raises InvalidSignature."""
    pem = sandbox.call("GET", "/dsr/opendsr_cert.pem", workspace=None)[2]
    key = x509.load_pem_x509_certificates(pem)[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(got.headers["x-opendsr-signature"], validate=True)
    key.verify(signature, got.body, scheme or padding.PKCS1v15(), hashes.SHA256())


def test_every_change_is_announced_in_order_in_batches(sandbox: Sandbox, receiver: Receiver) -> None:
    identifier = create(sandbox, status_callback_urls=[receiver.url])
    assert sandbox.advance(15 * MINUTE - 1) == []
    (first,) = sandbox.advance(1)
    assert (first["status"], first["request_status"], first["at"]) == (202, "pending", 15 * MINUTE)
    assert first["body_sha256"] == hashlib.sha256(receiver.received[0].body).hexdigest()
    rest = sandbox.advance(21 * DAY)
    assert [(row["request_status"], row["at"]) for row in rest] == [
        ("in_progress", 7 * DAY + 15 * MINUTE),
        ("completed", 14 * DAY + 15 * MINUTE),
    ]
    assert words(receiver) == ["pending", "in_progress", "completed"]
    assert len(sandbox.state(identifier)["callbacks"]) == 3


def test_a_callback_looks_like_the_real_one(sandbox: Sandbox, receiver: Receiver) -> None:
    identifier = create(sandbox, subject_request_type="access", status_callback_urls=[receiver.url])
    sandbox.advance(3 * DAY)
    got = receiver.received[-1]
    assert list(json.loads(got.body)) == [
        "controller_id",
        "expected_completion_time",
        "status_callback_url",
        "subject_request_id",
        "request_status",
        "results_url",
        "extensions",
    ]
    assert json.loads(got.body)["results_url"] == read(sandbox, identifier)["results_url"]
    assert json.loads(got.body)["status_callback_url"] == receiver.url
    assert got.headers["x-opendsr-processor-domain"] == "opendsr.mparticle.com"
    assert got.headers["content-type"] == "application/json"
    verify(sandbox, got)


@pytest.mark.parametrize("chunked", [True, False])
def test_the_body_goes_out_chunked_unless_switched(
    sandbox: Sandbox, receiver: Receiver, chunked: bool
) -> None:
    sandbox.switches(chunked=chunked)
    create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(15 * MINUTE)
    (got,) = receiver.received
    assert ("content-length" in got.headers) is not chunked
    assert (got.headers.get("transfer-encoding") == "chunked") is chunked
    assert got.chunks == (2 if chunked else 1)
    verify(sandbox, got)


@pytest.mark.parametrize("sign", ["tampered", "pss", "other_key"])
def test_a_bad_signature_does_not_verify(sandbox: Sandbox, receiver: Receiver, sign: str) -> None:
    sandbox.switches(callback_signature=sign)
    create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(15 * MINUTE)
    (got,) = receiver.received
    with pytest.raises(InvalidSignature):
        verify(sandbox, got)
    if sign == "pss":
        verify(
            sandbox,
            got,
            padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH),
        )


def test_a_signature_can_be_missing(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_signature="missing")
    create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(15 * MINUTE)
    assert "x-opendsr-signature" not in receiver.received[0].headers


@pytest.mark.parametrize("kind", ["rotated", "rsa1024", "expired", "wrong_name"])
def test_callbacks_are_signed_with_the_key_that_is_served(
    sandbox: Sandbox, receiver: Receiver, kind: str
) -> None:
    sandbox.switches(certificate=kind)
    create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(15 * MINUTE)
    verify(sandbox, receiver.received[0])


def test_callbacks_may_come_twice(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_duplicates=2)
    create(sandbox, status_callback_urls=[receiver.url])
    assert len(sandbox.advance(15 * MINUTE)) == 3
    assert len({got.body for got in receiver.received}) == 1


def test_callbacks_may_overtake_one_another(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_shuffle=True)
    create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(21 * DAY)
    assert words(receiver) != ["pending", "in_progress", "completed"]
    assert sorted(words(receiver)) == ["completed", "in_progress", "pending"]


def test_a_refused_callback_is_tried_again_after_1_4_and_9_minutes(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.answers = [503, 500, 404, 401]
    create(sandbox, status_callback_urls=[receiver.url])
    tried = sandbox.advance(2 * 60 * MINUTE)
    assert [row["status"] for row in tried] == [503, 500, 404, 401]
    assert [(row["at"] - 15 * MINUTE) / MINUTE for row in tried] == [0, 1, 5, 14]
    assert sandbox.state()["requests"][0]["callbacks_waiting"] == 0


def test_retries_can_be_switched_off(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_retries=0)
    receiver.answers = [503]
    create(sandbox, status_callback_urls=[receiver.url])
    assert len(sandbox.advance(DAY)) == 1


def test_callbacks_go_out_at_once_when_there_is_no_batch(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_batch_seconds=0)
    identifier = create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(0)
    sandbox.call("DELETE", f"/v3/requests/{identifier}")
    sandbox.advance(0)
    assert words(receiver) == ["pending", "cancelled"]


def test_callbacks_can_be_switched_off(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callbacks=False)
    create(sandbox, status_callback_urls=[receiver.url])
    assert sandbox.advance(21 * DAY) == []


def test_words_and_controllers_can_be_foreign(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_status="exploded", controller_id="9999")
    create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(15 * MINUTE)
    said = json.loads(receiver.received[0].body)
    assert (said["request_status"], said["controller_id"]) == ("exploded", "9999")


def test_a_late_callback_says_what_was_true_when_it_was_queued(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.switches(callback_batch_seconds=30 * DAY, extensions_shape="distribution_status")
    identifier = create(sandbox, status_callback_urls=[receiver.url])
    sandbox.advance(8 * DAY)
    assert read(sandbox, identifier)["request_status"] == "in_progress"
    sandbox.advance(30 * DAY)
    first = json.loads(receiver.received[0].body)
    partners = extension(**first["extensions"]["opendsr.mparticle.com"])["opendsr.mparticle.com"]
    assert first["request_status"] == "pending"
    assert {row["status"] for row in partners["distribution_status"]} == {"pending"}


@pytest.mark.parametrize(
    "url",
    ["http://example.com/x", "http://127.0.0.1.example.com/x", "http://10.0.0.1/x", "ftp://localhost/x", "x"],
)
def test_only_this_machine_is_called(sandbox: Sandbox, url: str) -> None:
    create(sandbox, status_callback_urls=[url])
    (row,) = sandbox.advance(DAY)
    assert row["status"] is None
    assert row["error"].startswith("refused")


def test_a_receiver_that_is_away_is_an_outcome(sandbox: Sandbox) -> None:
    sandbox.switches(callback_retries=0)
    create(sandbox, status_callback_urls=["http://127.0.0.1:9/x"])
    (row,) = sandbox.advance(15 * MINUTE)
    assert (row["status"], row["error"]) == (None, "ConnectionRefusedError")


def test_a_crafted_callback_is_sent_as_ordered(sandbox: Sandbox, receiver: Receiver) -> None:
    receiver.answers = [401]
    outcome = sandbox.callback(
        receiver.url,
        "{not json",
        sign="good",
        headers={"X-OpenDSR-Processor-Domain": "evil.example", "Content-Type": None},
        chunked=False,
    )
    (got,) = receiver.received
    assert outcome["status"] == 401
    assert got.body == b"{not json"
    assert got.headers["x-opendsr-processor-domain"] == "evil.example"
    assert "content-type" not in got.headers
    verify(sandbox, got)


def test_a_crafted_callback_may_be_an_object_with_a_forged_signature(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.callback(receiver.url, {"request_status": "completed"}, sign="other_key")
    (got,) = receiver.received
    assert json.loads(got.body) == {"request_status": "completed"}
    with pytest.raises(InvalidSignature):
        verify(sandbox, got)
