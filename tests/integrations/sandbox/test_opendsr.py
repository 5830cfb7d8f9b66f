"""The answers of docs.mparticle.com, "OpenDSR v3", and the switches for what it leaves open."""

import base64
import json
import re

import pytest

from tests.sandbox import Sandbox

from .bodies import DAY, a_request, create, extension, raw, read


@pytest.mark.parametrize("path", ["/v3/requests", "/v3/requests/"])
def test_create_answers_201_with_the_request_encoded(sandbox: Sandbox, path: str) -> None:
    body = json.dumps(a_request()).encode()
    status, headers, answer = sandbox.call("POST", path, body, headers={"Content-Type": "application/json"})
    created = json.loads(answer)
    assert status == 201
    assert headers["x-opendsr-processor-domain"] == "opendsr.mparticle.com"
    assert base64.b64decode(created["encoded_request"]) == body
    assert created["controller_id"] == "4302"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", created["received_time"])
    assert created["expected_completion_time"].endswith("T00:00:00Z")
    assert set(created) == {
        "subject_request_id",
        "controller_id",
        "expected_completion_time",
        "received_time",
        "encoded_request",
    }


def test_status_answers_with_the_fields_of_a_get(sandbox: Sandbox) -> None:
    identifier = create(sandbox, group_id="case-1")
    status = read(sandbox, identifier)
    assert status["request_status"] == "pending"
    assert status["api_version"] == "3.0"
    assert status["group_id"] == "case-1"
    assert status["results_url"] is None


@pytest.mark.parametrize("path", ["/v3/requests/0", "/v3/requests/7b1c3f6e-2d1a-4a55-9f0c-3e8d5b6a7c11"])
def test_an_unknown_request_is_404(sandbox: Sandbox, path: str) -> None:
    assert sandbox.call("GET", path)[0] == 404


@pytest.mark.parametrize("path", ["/v3/requests/0", "/v3/requests?group_id=x"])
def test_without_good_credentials_it_is_401(sandbox: Sandbox, path: str) -> None:
    wrong = base64.b64encode(b"sandbox-workspace-key:wrong").decode()
    assert sandbox.call("GET", path, workspace=None)[0] == 401
    assert sandbox.call("GET", path, headers={"Authorization": f"Basic {wrong}"})[0] == 401


def test_the_same_id_twice_is_400(sandbox: Sandbox) -> None:
    body = a_request()
    assert sandbox.call("POST", "/v3/requests", body)[0] == 201
    status, _, answer = sandbox.call("POST", "/v3/requests", body)
    assert status == 400
    assert json.loads(answer)["message"] == "Subject request already exists."
    assert sandbox.state()["posts"] == {body["subject_request_id"]: 2}


@pytest.mark.parametrize("names_id", [False, True])
def test_the_same_person_under_another_id_is_409_until_the_first_ends(
    sandbox: Sandbox, names_id: bool
) -> None:
    sandbox.switches(conflict_names_id=names_id)
    person = {"email": raw("jane@example.org")}
    first = create(sandbox, subject_identities=person)
    status, _, answer = sandbox.call("POST", "/v3/requests", a_request(subject_identities=person))
    assert status == 409
    assert (first in answer.decode()) is names_id
    create(sandbox, subject_identities=person, subject_request_type="access")
    sandbox.call("DELETE", f"/v3/requests/{first}")
    create(sandbox, subject_identities=person)


def test_another_workspace_sees_nothing_of_ours(sandbox: Sandbox) -> None:
    identifier = create(sandbox, group_id="case-1")
    assert sandbox.call("GET", f"/v3/requests/{identifier}", workspace=1)[0] == 404
    assert sandbox.call("DELETE", f"/v3/requests/{identifier}", workspace=1)[0] == 404
    assert json.loads(sandbox.call("GET", "/v3/requests?group_id=case-1", workspace=1)[2]) == []


def test_a_group_is_a_bare_array(sandbox: Sandbox) -> None:
    identifiers = {create(sandbox, group_id="case 1/ö") for _ in range(3)}
    create(sandbox, group_id="another")
    status, _, answer = sandbox.call("GET", "/v3/requests?group_id=case%201%2F%C3%B6")
    assert status == 200
    assert {row["subject_request_id"] for row in json.loads(answer)} == identifiers


def test_a_group_takes_150_requests(sandbox: Sandbox) -> None:
    for _ in range(150):
        create(sandbox, group_id="full")
    assert sandbox.call("POST", "/v3/requests", a_request(group_id="full"))[0] == 400
    assert len(json.loads(sandbox.call("GET", "/v3/requests?group_id=full")[2])) == 150


@pytest.mark.parametrize(("position", "expected"), [("empty", 200), ("404", 404)])
def test_an_unknown_group_is_a_switch(sandbox: Sandbox, position: str, expected: int) -> None:
    sandbox.switches(unknown_group=position)
    assert sandbox.call("GET", "/v3/requests?group_id=nobody")[0] == expected


@pytest.mark.parametrize("position", [200, 202, 204])
def test_cancelling_a_pending_request(sandbox: Sandbox, position: int) -> None:
    sandbox.switches(cancel_status=position)
    identifier = create(sandbox)
    status, _, answer = sandbox.call("DELETE", f"/v3/requests/{identifier}")
    assert status == position
    if position != 204:
        cancelled = json.loads(answer)
        assert cancelled["expected_completion_time"] is None
        assert set(cancelled) == {
            "subject_request_id",
            "controller_id",
            "expected_completion_time",
            "received_time",
        }
    assert read(sandbox, identifier)["request_status"] == "cancelled"


@pytest.mark.parametrize("position", [400, 409])
def test_cancelling_too_late(sandbox: Sandbox, position: int) -> None:
    sandbox.switches(cancel_late_status=position)
    identifier = create(sandbox)
    sandbox.advance(8 * DAY)
    assert sandbox.call("DELETE", f"/v3/requests/{identifier}")[0] == position
    assert read(sandbox, identifier)["request_status"] == "in_progress"


@pytest.mark.parametrize("path", ["/v3/discovery", "/v3/discovery/"])
def test_discovery_lists_the_standard_types_and_the_certificate(sandbox: Sandbox, path: str) -> None:
    found = json.loads(sandbox.call("GET", path)[2])
    types = {row["identity_type"] for row in found["supported_identities"]}
    assert "roku_publisher_id" in types
    assert "mpid" not in types
    assert len(types) == 11
    assert found["processor_certificate"] == f"{sandbox.url}/dsr/opendsr_cert.pem"


def test_discovery_asks_for_credentials_only_when_switched(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "/v3/discovery", workspace=None)[0] == 200
    sandbox.switches(discovery_auth=True, discovery_certificate_url="https://localhost:1/other.pem")
    assert sandbox.call("GET", "/v3/discovery", workspace=None)[0] == 401
    found = json.loads(sandbox.call("GET", "/v3/discovery")[2])
    assert found["processor_certificate"] == "https://localhost:1/other.pem"


def test_errors_come_in_four_envelopes(sandbox: Sandbox) -> None:
    bodies = {}
    for shape in ("flat", "nested", "empty", "html"):
        sandbox.switches(error_envelope=shape)
        status, _, bodies[shape] = sandbox.call("GET", "/v3/requests/0")
        assert status == 404
    flat = json.loads(bodies["flat"])
    assert flat["code"] == 404
    assert flat["errors"][0]["domain"] == "Validation"
    assert json.loads(bodies["nested"]) == {"error": flat}
    assert bodies["empty"] == b""
    assert bodies["html"].startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        ("midnight", r".{10}T00:00:00Z"),
        ("six_digits", r".{19}\.\d{6}Z"),
        ("seven_digits", r".{19}\.\d{7}Z"),
        ("naive", r".{19}\.\d{6}"),
    ],
)
def test_the_expected_time_has_many_spellings(sandbox: Sandbox, shape: str, pattern: str) -> None:
    sandbox.switches(expected_completion=shape)
    assert re.fullmatch(pattern, read(sandbox, create(sandbox))["expected_completion_time"])


def test_forwarding_extensions_take_every_shape_seen(sandbox: Sandbox) -> None:
    identifier = create(sandbox)

    def shaped(shape: str) -> object:
        sandbox.switches(extensions_shape=shape)
        return read(sandbox, identifier)["extensions"]

    rows = shaped("list")
    assert isinstance(rows, list)
    assert {row["status"] for row in rows} == {"pending"}
    sandbox.advance(15 * 60)
    rows = shaped("list")
    assert isinstance(rows, list)
    assert {row["name"]: row["status"] for row in rows}["Kochava"] == "skipped"
    assert shaped("distribution_status") == extension(distribution_status=rows)
    assert shaped("by_domain") == {row["domain"]: row for row in rows}
    assert shaped("null") is None
    assert shaped("empty_list") == []
