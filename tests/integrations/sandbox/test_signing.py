"""HMAC on the vendor's examples, and as a way into IDSync."""

import hashlib
import json
from email.utils import formatdate

import pytest

from integrations.sandbox.mparticle.signing import digest, is_date, signature
from tests.sandbox import Sandbox

DATE = "20170712T224127Z"
SEARCH = b'{"environment":"production","known_identities":{"email":"johndoe@example.com"}}'
# docs.mparticle.com, "IDSync HTTP API", as printed.
IDENTIFY = (
    b'{"client_sdk":{"platform":"android","sdk_vendor":"mparticle","sdk_version":"5.0.0"},'
    b'"environment":"development","request_timestamp_ms":1499875715564,'
    b'"request_id":"ad58a7c1-cf35-4be5-8c42-a09989f85cc1",'
    b'"known_identities":{"android_uuid":"f924f1e5707b34b7"}}'
)


def test_the_vector_of_the_vendors_ios_library() -> None:
    found = digest("unit_test_app_key", b"The Quick Brown Fox Jumps Over The Lazy Dog.")
    assert found == "ceefdfeab2fe404a7cbb75f6f6a01443286fab507eb85c213fce3d812e8b615c"


@pytest.mark.parametrize(
    ("target", "body", "expected"),
    [
        ("/v1/search", SEARCH, "506fb549fa976a2a5f20546b3a213c4c19b7277295376a25c135516d47bdc51d"),
        ("/v1/identify", IDENTIFY, "b795bc485a38e1aff3c4897be8120a7c87d27b359005e59b815db817268c9655"),
    ],
)
def test_the_message_is_method_date_and_path_with_body(target: str, body: bytes, expected: str) -> None:
    found = signature("example-api-secret", method="POST", date=DATE, target=target, body=body)
    assert found == expected


def test_the_printed_message_is_the_printed_one() -> None:
    message = f"POST\n{DATE}\n/v1/identify".encode() + IDENTIFY
    assert hashlib.sha256(message).hexdigest().startswith("f7ccf3167e6b038e")


@pytest.mark.parametrize(
    ("text", "expected"),
    [(DATE, True), ("Wed, 12 Jul 2017 22:41:27 GMT", True), ("2017-07-12", False), ("", False)],
)
def test_dates_are_iso_basic_or_rfc_1123(text: str, expected: bool) -> None:
    assert is_date(text) is expected


def signed(sandbox: Sandbox, target: str, *, date: str = DATE, body: bytes = SEARCH) -> dict[str, str]:
    keys = sandbox.workspaces[0]
    proof = signature(keys["input_secret"], method="POST", date=date, target=target, body=body)
    return {"x-mp-key": keys["input_key"], "Date": date, "x-mp-signature": proof}


def post(sandbox: Sandbox, target: str, headers: dict[str, str], body: bytes = SEARCH) -> tuple[int, bytes]:
    headers = {"Content-Type": "application/json", **headers}
    status, _, answer = sandbox.call("POST", target, body, workspace=None, headers=headers)
    return status, answer


@pytest.mark.parametrize("now", [DATE, None], ids=["documented", "as the SDKs send it"])
@pytest.mark.parametrize("target", ["/identity/v1/search", "/identity/v1/search?cb=1"])
def test_a_signed_search_is_answered(sandbox: Sandbox, target: str, now: str | None) -> None:
    date = now or formatdate(usegmt=True)
    assert post(sandbox, target, signed(sandbox, target, date=date))[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        {"x-mp-signature": "0" * 64},
        {"x-mp-key": "sandbox-second-input-key"},
        {"Date": "20170712T224128Z"},
        {"Date": "yesterday"},
    ],
)
def test_what_is_signed_otherwise_is_refused(sandbox: Sandbox, change: dict[str, str]) -> None:
    target = "/identity/v1/search"
    status, answer = post(sandbox, target, {**signed(sandbox, target), **change})
    assert status == 401
    assert json.loads(answer)["Errors"][0]["code"] == "UNAUTHORIZED"


def test_neither_another_body_nor_another_path_is_covered(sandbox: Sandbox) -> None:
    target = "/identity/v1/search"
    headers = signed(sandbox, target)
    assert post(sandbox, target, headers, SEARCH + b" ")[0] == 401
    assert post(sandbox, f"{target}?cb=1", headers)[0] == 401
    upper = {**headers, "x-mp-signature": headers["x-mp-signature"].upper()}
    assert post(sandbox, target, upper)[0] == 401
