"""HMAC as IDSync takes it, on the vendor's own examples. (Basic is in the OpenDSR client's tests.)"""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

from integrations.mparticle.signing import signature, signed_headers
from integrations.opendsr.client import Credentials

CREDENTIALS = Credentials("example-api-key", "example-api-secret", key_field="input_key")
AT = datetime(2017, 7, 12, 22, 41, 27, tzinfo=UTC)
# https://docs.mparticle.com/developers/apis/idsync/http/#building-the-signature, as printed.
PRINTED = (
    b'{"client_sdk":{"platform":"android","sdk_vendor":"mparticle","sdk_version":"5.0.0"},'
    b'"environment":"development","request_timestamp_ms":1499875715564,'
    b'"request_id":"ad58a7c1-cf35-4be5-8c42-a09989f85cc1",'
    b'"known_identities":{"android_uuid":"f924f1e5707b34b7"}}'
)


def test_the_vector_of_the_vendors_ios_library() -> None:
    message = b"The Quick Brown Fox Jumps Over The Lazy Dog."
    assert (
        signature("unit_test_app_key", message)
        == "ceefdfeab2fe404a7cbb75f6f6a01443286fab507eb85c213fce3d812e8b615c"
    )


def test_the_message_that_the_page_prints() -> None:
    message = b"POST\n20170712T224127Z\n/v1/identify" + PRINTED
    assert sha256(message).hexdigest() == "f7ccf3167e6b038e5628e5c20fc617f498699ff450817c87c30cbc57a9ac58a6"
    headers = signed_headers(CREDENTIALS, method="POST", path="/v1/identify", body=PRINTED, at=AT)
    assert headers == {
        "x-mp-key": "example-api-key",
        "Date": "20170712T224127Z",
        "x-mp-signature": "b795bc485a38e1aff3c4897be8120a7c87d27b359005e59b815db817268c9655",
    }


def test_a_search() -> None:
    body = b'{"environment":"production","known_identities":{"email":"johndoe@example.com"}}'
    headers = signed_headers(CREDENTIALS, method="POST", path="/v1/search", body=body, at=AT)
    assert headers["x-mp-signature"] == "506fb549fa976a2a5f20546b3a213c4c19b7277295376a25c135516d47bdc51d"


def test_the_date_is_in_utc_whatever_zone_it_came_in() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    headers = signed_headers(CREDENTIALS, method="POST", path="/v1/search", body=b"{}", at=elsewhere)
    assert headers["Date"] == "20170712T224127Z"
