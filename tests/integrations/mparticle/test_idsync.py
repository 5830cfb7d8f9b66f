"""Searches and changes of profiles: what goes out, and what each answer means."""

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from integrations.errors import (
    IntegrationError,
    NotSent,
    RateLimited,
    Rejected,
    Unauthorized,
    UnexpectedAnswer,
    Unsupported,
)
from integrations.mparticle.connector import MParticle
from integrations.mparticle.signing import signature
from integrations.types import Correction, Identity, Match
from tests.integrations.mparticle.conftest import NOT_FOUND, asked, found, says
from tests.integrations.odd_server import OddServer, answer
from tests.integrations.rows import row_of

EMAIL = Identity("email", "ada@example.com")
SECOND_EMAIL = Identity("email", "ada@work.example")
CUSTOMER = Identity("controller_customer_id", "c-881")
MICROSOFT = Identity("microsoft_advertising_id", "m-1")
MPID = Identity("mpid", "-77")
CHANGE = Correction("email", "ada@example.com", "ada@new.example")
ID = UUID("a7551968-d5d6-44b2-9831-815ac9017798")


def errors(code: str, **more: object) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": "about ada@example.com"}], **more}


def test_what_a_search_sends(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 200, found("-3512845671234567890", "email"))
    match = odd_mparticle.search([EMAIL, CUSTOMER, MICROSOFT, MPID, Identity("ios_vendor_id", "v")])
    assert match == Match(found=True, profile_id="-3512845671234567890", matched=("email",))
    assert asked(odd) == ["POST /identity/v1/search"]
    assert json.loads(odd.bodies[0]) == {
        "environment": "production",
        "known_identities": {"email": "ada@example.com", "customerid": "c-881", "ios_idfv": "v"},
    }
    head = odd.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert "Authorization: Basic dGhlLWlucHV0LWtleTp0aGUtaW5wdXQtc2VjcmV0" in head
    assert "Content-Type: application/json" in head


def test_the_processors_environment_is_searched(odd_mparticle: MParticle, odd: OddServer) -> None:
    row_of(odd_mparticle).environment = "development"
    says(odd, 404, NOT_FOUND)
    odd_mparticle.search([EMAIL])
    assert json.loads(odd.bodies[0])["environment"] == "development"


def test_a_signed_search_signs_the_bytes_that_came(odd_mparticle: MParticle, odd: OddServer) -> None:
    row_of(odd_mparticle).options["identity_auth"] = "hmac"
    says(odd, 200, found("1"))
    odd_mparticle.search([Identity("email", "ädä@example.com")])
    head, _, body = odd.requests[0].partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    message = f"POST\n{headers['Date']}\n/identity/v1/search".encode() + body
    assert headers["x-mp-signature"] == signature("the-input-secret", message)
    assert headers["x-mp-key"] == "the-input-key"
    assert "Authorization" not in headers
    assert b"the-input-secret" not in odd.requests[0]


def test_a_second_value_of_a_type_is_searched_by_itself(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 404, NOT_FOUND)
    says(odd, 200, found("5", "email"))
    match = odd_mparticle.search([EMAIL, CUSTOMER, SECOND_EMAIL])
    assert (match.found, match.profile_id) == (True, "5")
    assert [json.loads(body)["known_identities"] for body in odd.bodies] == [
        {"email": "ada@example.com", "customerid": "c-881"},
        {"email": "ada@work.example"},
    ]


def test_two_profiles_are_one_match_of_the_first(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 200, found("4", "customerid"))
    says(odd, 200, found("5", "email"))
    match = odd_mparticle.search([EMAIL, CUSTOMER, SECOND_EMAIL])
    assert match == Match(found=True, profile_id="4", matched=("controller_customer_id", "email"))


@pytest.mark.parametrize(
    "said",
    [
        NOT_FOUND,
        errors("NOT_FOUND_ERROR"),
        {"ERRORS": [{"Code": "not_found_error"}]},
        {"code": "NOT_FOUND_ERROR", "message": "x"},
        {"ErrorCode": "NOT_FOUND_ERROR", "StatusCode": 404, "RequestId": "1"},
    ],
)
def test_not_found_is_what_says_so_in_whatever_case(
    odd_mparticle: MParticle, odd: OddServer, said: object
) -> None:
    says(odd, 404, said)
    assert odd_mparticle.search([EMAIL]) == Match(found=False)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"", UnexpectedAnswer),
        (404, b"<html>404 Not Found</html>", UnexpectedAnswer),
        (404, b'{"errors": [{"code": "NO_SUCH_ROUTE"}]}', UnexpectedAnswer),
        (404, b'{"message": "NOT_FOUND_ERROR"}', UnexpectedAnswer),
        (400, json.dumps(NOT_FOUND).encode(), Rejected),
        (400, json.dumps(errors("LOOKUP_ERROR", StatusCode=400)).encode(), Rejected),
        (400, b"", Rejected),
        (401, b"", Unauthorized),
        (403, b"", Unauthorized),
        (429, b"", RateLimited),
        (500, b"", UnexpectedAnswer),
        (302, b"", UnexpectedAnswer),
        (200, b"", UnexpectedAnswer),
        (200, b"<html>", UnexpectedAnswer),
        (200, b"[]", UnexpectedAnswer),
        (200, b"{}", UnexpectedAnswer),
        (200, b'{"mpid": null}', UnexpectedAnswer),
        (200, b'{"mpid": 1.5}', UnexpectedAnswer),
        (200, b'{"mpid": true}', UnexpectedAnswer),
        (200, b'{"mpid": "../1"}', UnexpectedAnswer),
        (200, b'{"mpid": "9223372036854775808"}', UnexpectedAnswer),
    ],
)
def test_what_is_no_answer_to_a_search(
    odd_mparticle: MParticle, odd: OddServer, status: int, body: bytes, kind: type[IntegrationError]
) -> None:
    odd.replies.append(answer(status, body))
    with pytest.raises(IntegrationError) as failure:
        odd_mparticle.search([EMAIL])
    assert type(failure.value) is kind
    assert "ada" not in str(failure.value)


@pytest.mark.parametrize("said", [{"mpid": -5}, {"mpid": "-5", "matched_identities": None}])
def test_less_is_said_of_a_profile_than_documented(
    odd_mparticle: MParticle, odd: OddServer, said: object
) -> None:
    says(odd, 200, said)
    assert odd_mparticle.search([EMAIL]) == Match(found=True, profile_id="-5")


def test_unknown_names_and_types_not_asked_about_are_passed_over(
    odd_mparticle: MParticle, odd: OddServer
) -> None:
    says(odd, 200, found("5", "facebook", "customerid", "email"))
    assert odd_mparticle.search([EMAIL]).matched == ("email",)


@pytest.mark.parametrize("identities", [[MPID], [MICROSOFT], [MPID, MICROSOFT], []])
def test_there_must_be_something_to_search_by(
    odd_mparticle: MParticle, odd: OddServer, identities: list[Identity]
) -> None:
    with pytest.raises(Unsupported, match=r"cannot be searched by these identifiers.*\.$"):
        odd_mparticle.search(identities)
    assert odd.requests == []


def test_without_the_input_key_nothing_is_searched(odd_mparticle: MParticle, odd: OddServer) -> None:
    del row_of(odd_mparticle).credentials["input_secret"]
    with pytest.raises(Unsupported, match="“Input secret”"):
        odd_mparticle.search([EMAIL])
    assert odd.requests == []


def test_refused_credentials_name_the_input_key(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 401)
    with pytest.raises(Unauthorized, match=r"IDSync.*input key") as failure:
        odd_mparticle.search([EMAIL])
    assert failure.value.key_field == "input_key"


def test_nothing_is_sent_without_tls(odd_mparticle: MParticle) -> None:
    row_of(odd_mparticle).options["identity_url"] = "http://localhost:1/identity/v1"
    with pytest.raises(Rejected, match="https"):
        odd_mparticle.search([EMAIL])
    row_of(odd_mparticle).options["identity_url"] = "https://localhost:1/identity/v1"
    with pytest.raises(NotSent):
        odd_mparticle.search([EMAIL])


# Changes.


def modify(mparticle: MParticle) -> bool:
    return mparticle._idsync().modify("-77", [CHANGE], request_id=ID)


def test_what_a_change_sends(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 200)
    assert modify(odd_mparticle)
    assert asked(odd) == ["POST /identity/v1/-77/modify"]
    assert json.loads(odd.bodies[0]) == {
        "environment": "production",
        "identity_changes": [
            {"identity_type": "email", "old_value": "ada@example.com", "new_value": "ada@new.example"}
        ],
        "request_id": str(ID),
    }


@pytest.mark.parametrize("body", [b"", b"{}", b'{"change_results": [{"identity_type": "email"}]}'])
def test_a_change_that_was_made(odd_mparticle: MParticle, odd: OddServer, body: bytes) -> None:
    odd.replies.append(answer(200, body))
    assert modify(odd_mparticle)


def test_a_profile_that_has_gone_is_not_changed(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 404, NOT_FOUND)
    assert not modify(odd_mparticle)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"", UnexpectedAnswer),
        (200, b"<html>", UnexpectedAnswer),
        (400, json.dumps(errors("BAD_REQUEST")).encode(), Rejected),
        (401, b"", Unauthorized),
        (503, b"", UnexpectedAnswer),
    ],
)
def test_a_change_that_was_not_made(
    odd_mparticle: MParticle, odd: OddServer, status: int, body: bytes, kind: type[IntegrationError]
) -> None:
    odd.replies.append(answer(status, body))
    with pytest.raises(IntegrationError) as failure:
        modify(odd_mparticle)
    assert type(failure.value) is kind


def test_a_refusal_tells_the_code_and_no_message(odd_mparticle: MParticle, odd: OddServer) -> None:
    says(odd, 400, errors("LOOKUP_ERROR"))
    with pytest.raises(Rejected, match=r"refused the call as invalid \(LOOKUP_ERROR\)\.$"):
        odd_mparticle.search([EMAIL])


def test_no_identity_profile_or_secret_is_logged_or_shown(
    odd_mparticle: MParticle, odd: OddServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    says(odd, 200, found("-3512845671234567890", "email"))
    says(odd, 200)
    says(odd, 400, errors("ada@example.com"))
    says(odd, 404, {"mpid": "-3512845671234567890"})
    idsync = odd_mparticle._idsync()
    seen = [repr(odd_mparticle.search([EMAIL])), repr(idsync)]
    idsync.modify("-3512845671234567890", [CHANGE], request_id=ID)
    calls: list[Callable[[], object]] = [
        lambda: odd_mparticle.search([EMAIL]),
        lambda: idsync.modify("-3512845671234567890", [CHANGE], request_id=ID),
    ]
    for call in calls:
        with pytest.raises(IntegrationError) as failure:
            call()
        seen.append(repr(failure.value))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    text = " ".join(seen + ours)
    assert "POST localhost/search 200" in text
    assert "POST localhost/{mpid}/modify 200" in text
    for secret in ("ada@", "-3512845671234567890", "the-input"):
        assert secret not in text
