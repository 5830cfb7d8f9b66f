"""What answers mean, given by a server that says exactly what it is told to."""

import base64
import json
import logging
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from integrations.errors import (
    AlreadyExists,
    Conflict,
    IntegrationError,
    Rejected,
    TooLate,
    Unauthorized,
    UnexpectedAnswer,
    UnknownRequest,
)
from integrations.models import Processor
from integrations.opendsr.client import Client, Credentials
from integrations.types import Identity, ReportedStatus, Submission
from tests.integrations.odd_server import OddServer, answer, only

ID = UUID("a7551968-d5d6-44b2-9831-815ac9017798")
REQUEST = Submission(
    request_id=ID,
    request_type="erasure",
    regulation="gdpr",
    submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    identities=(Identity("email", "ada@example.com"),),
    skip_waiting_period=False,
    group_id="case-7",
    callback_url="https://portal.example/opendsr/callbacks/k3yR",
)
CREATED = {
    "expected_completion_time": "2026-03-15T00:00:00Z",
    "received_time": "2026-03-01T09:30:24.5568051Z",
    "encoded_request": base64.b64encode(b"ada@example.com").decode(),
    "subject_request_id": str(ID),
    "controller_id": "4302",
}
STATUS = {**CREATED, "request_status": "in_progress", "results_url": None, "extensions": None}


@pytest.fixture
def client(odd_processor: Processor) -> Client:
    return Client(
        processor=odd_processor,
        credentials=Credentials(name="the-key", secret="the-secret", key_field="workspace_key"),
        extension_domain="opendsr.mparticle.com",
        vendor="mParticle",
    )


def says(odd: OddServer, status: int, document: object = None) -> None:
    odd.replies.append(answer(status, b"" if document is None else json.dumps(document).encode()))


def error(message: str, *, nested: bool = False, inner: str = "") -> dict[str, Any]:
    envelope = {
        "code": 400,
        "message": message,
        "errors": [
            {"domain": "Validation", "reason": "InvalidOperationException", "message": inner or message}
        ],
    }
    return {"error": envelope} if nested else envelope


def test_what_goes_out(client: Client, odd: OddServer) -> None:
    for status, document in [(201, CREATED), (200, STATUS), (200, [STATUS]), (202, None), (200, {})]:
        says(odd, status, document)
    client.create(REQUEST)
    client.status(ID)
    client.group("case 7/ä&x=1")
    client.cancel(ID)
    client.discovery()
    heads = [request.partition(b"\r\n\r\n")[0].decode().split("\r\n") for request in odd.requests]
    assert [lines[0] for lines in heads] == [
        "POST /v3/requests HTTP/1.1",
        f"GET /v3/requests/{ID} HTTP/1.1",
        "GET /v3/requests?group_id=case%207%2F%C3%A4%26x%3D1 HTTP/1.1",
        f"DELETE /v3/requests/{ID} HTTP/1.1",
        "GET /v3/discovery HTTP/1.1",
    ]
    for lines in heads:
        assert "Authorization: Basic dGhlLWtleTp0aGUtc2VjcmV0" in lines
        assert "Accept: application/json" in lines
    assert "Content-Type: application/json" in heads[0]
    assert json.loads(odd.bodies[0])["subject_identities"] == {
        "email": {"value": "ada@example.com", "encoding": "raw"}
    }
    assert odd.bodies[1:] == [b""] * 4


def test_basic_as_the_vendor_shows_it() -> None:
    credentials = Credentials("example-api-key", "example-api-secret", key_field="workspace_key")
    assert credentials.header == "Basic ZXhhbXBsZS1hcGkta2V5OmV4YW1wbGUtYXBpLXNlY3JldA=="
    assert "example" not in repr(credentials)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_created(client: Client, odd: OddServer, status: int) -> None:
    says(odd, status, CREATED)
    report = client.create(REQUEST)
    assert (report.request_id, report.status, report.account) == (ID, ReportedStatus.PENDING, "4302")
    assert report.expected_completion_at == datetime(2026, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (400, error("Subject request already exists."), AlreadyExists),
        (400, error("Subject request already exists.", nested=True), AlreadyExists),
        (400, error("Bad request", inner="Subject request already exists."), AlreadyExists),
        (400, error("ada@example.com is not valid"), Rejected),
        (400, error("ada@example.com is not valid", nested=True), Rejected),
        (400, None, Rejected),
        (400, ["Subject request already exists."], Rejected),
        (400, {"error": "Subject request already exists."}, Rejected),
        (400, {"errors": [3, {"message": 4}], "message": None}, Rejected),
        (413, None, Rejected),
        (401, error("no"), Unauthorized),
        (401, None, Unauthorized),
        (403, None, Unauthorized),
        (409, error("in progress"), Conflict),
        (409, None, Conflict),
        (404, error("not found"), UnexpectedAnswer),
        (405, None, UnexpectedAnswer),
        (500, error("oh"), UnexpectedAnswer),
        (201, None, UnexpectedAnswer),
        (201, [], UnexpectedAnswer),
        (201, {}, UnexpectedAnswer),
        (201, {**CREATED, "subject_request_id": "475974fa-6b42-4370-bb56-b5d845686bb5"}, UnexpectedAnswer),
        (302, None, UnexpectedAnswer),
    ],
)
def test_not_created(
    client: Client, odd: OddServer, status: int, document: object, kind: type[IntegrationError]
) -> None:
    says(odd, status, document)
    with pytest.raises(IntegrationError) as failure:
        client.create(REQUEST)
    assert type(failure.value) is kind
    assert failure.value.http_status == status
    assert "ada" not in repr(failure.value)


@pytest.mark.parametrize(
    "body", [b"<html><h1>Proxy error</h1></html>", b'{"subject_request_id": "a755', b"\xff\xfe"]
)
def test_an_answer_that_cannot_be_read_keeps_status_and_size(
    client: Client, odd: OddServer, body: bytes
) -> None:
    odd.replies.append(answer(201, body))
    with pytest.raises(UnexpectedAnswer) as failure:
        client.create(REQUEST)
    assert (failure.value.http_status, failure.value.size) == (201, len(body))
    assert failure.value.retryable
    assert not failure.value.outcome_known
    assert failure.value.__context__ is None


def test_an_html_400_is_a_refusal_without_a_reason(client: Client, odd: OddServer) -> None:
    odd.replies.append(answer(400, b"<html>Subject request already exists.</html>"))
    with pytest.raises(Rejected) as failure:
        client.create(REQUEST)
    assert type(failure.value) is Rejected


def test_refused_credentials_name_the_field_to_look_at(client: Client, odd: OddServer) -> None:
    says(odd, 401)
    with pytest.raises(Unauthorized) as failure:
        client.status(ID)
    assert failure.value.key_field == "workspace_key"


def test_status(client: Client, odd: OddServer) -> None:
    says(odd, 200, STATUS)
    assert client.status(ID).status == ReportedStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("status", "document", "kind"),
    [
        (404, error("no"), UnknownRequest),
        (404, None, UnknownRequest),
        (200, CREATED, UnexpectedAnswer),
        (200, {**STATUS, "subject_request_id": "475974fa-6b42-4370-bb56-b5d845686bb5"}, UnexpectedAnswer),
        (204, None, UnexpectedAnswer),
    ],
)
def test_no_status(
    client: Client, odd: OddServer, status: int, document: object, kind: type[IntegrationError]
) -> None:
    says(odd, status, document)
    with pytest.raises(IntegrationError) as failure:
        client.status(ID)
    assert type(failure.value) is kind


@pytest.mark.parametrize(("status", "document"), [(200, []), (404, None), (404, error("no such group"))])
def test_an_unknown_group_is_empty(client: Client, odd: OddServer, status: int, document: object) -> None:
    says(odd, status, document)
    assert client.group("g") == []


@pytest.mark.parametrize("document", [{}, {"requests": []}, None, "x"])
def test_a_group_is_a_list(client: Client, odd: OddServer, document: object) -> None:
    says(odd, 200, document)
    with pytest.raises(UnexpectedAnswer):
        client.group("g")


def test_one_item_that_cannot_be_read_does_not_hide_the_others(
    client: Client, odd: OddServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    says(
        odd,
        200,
        [STATUS, {**STATUS, "subject_request_id": "x"}, None, {**STATUS, "request_status": "exploded"}],
    )
    assert [report.raw_status for report in client.group("g")] == ["in_progress", "exploded"]
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "raw", [answer(200, b"{}"), answer(202), answer(200, b"<html>"), b"HTTP/1.1 204 No\r\n\r\n"]
)
def test_any_2xx_is_a_cancel_that_was_asked(client: Client, odd: OddServer, raw: bytes) -> None:
    odd.replies.append(raw)
    client.cancel(ID)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, TooLate), (409, TooLate), (404, UnknownRequest), (401, Unauthorized), (500, UnexpectedAnswer)],
)
def test_a_cancel_that_is_refused(
    client: Client, odd: OddServer, status: int, kind: type[IntegrationError]
) -> None:
    says(odd, status, error("no"))
    with pytest.raises(IntegrationError) as failure:
        client.cancel(ID)
    assert type(failure.value) is kind


@pytest.mark.parametrize("status", [200, 400, 404])
def test_a_probe_that_is_accepted(client: Client, odd: OddServer, status: int) -> None:
    says(odd, status)
    client.probe()
    assert odd.requests[0].startswith(b"GET /v3/requests/0 ")


def test_what_is_wrong_is_never_sent(client: Client, odd: OddServer) -> None:
    both = Submission(
        **{
            **{name: getattr(REQUEST, name) for name in REQUEST.__slots__},
            "identities": (Identity("mpid", "1"), Identity("email", "x")),
        }
    )
    with pytest.raises(Rejected):
        client.create(both)
    assert odd.requests == []


def test_no_identity_is_logged_or_shown(
    client: Client, odd: OddServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    says(odd, 201, CREATED)
    odd.replies.append(answer(400, json.dumps(error("ada@example.com is bad")).encode()))
    odd.replies.append(only(b'HTTP/1.1 201 OK\r\nContent-Length: 900\r\n\r\n{"x":"ada@example.com'))
    seen = [repr(REQUEST), repr(client.create(REQUEST)), repr(client)]
    for _ in range(2):
        with pytest.raises(IntegrationError) as failure:
            client.create(REQUEST)
        seen.append(repr(failure.value))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    text = " ".join(seen + ours)
    assert "POST localhost/requests 201" in text
    for secret in ("ada@example", CREATED["encoded_request"], "the-key", "the-secret"):
        assert secret not in text
