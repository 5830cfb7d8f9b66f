"""IDSync: search finds and never makes, identify and login make, modify changes."""

import json
from typing import Any

import pytest

from tests.sandbox import Sandbox

from .bodies import search, with_input_key

JANE = {"email": "jane@example.org", "controller_customer_id": "c-881"}


@pytest.fixture
def jane(sandbox: Sandbox) -> str:
    sandbox.switches(strangers="unknown")
    return sandbox.person(JANE)


def ask(sandbox: Sandbox, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    headers = headers or with_input_key(sandbox)
    status, _, answer = sandbox.call("POST", f"/identity/v1{path}", body, workspace=None, headers=headers)
    return status, json.loads(answer)


def known(**identities: str) -> dict[str, Any]:
    return {"environment": "production", "known_identities": identities}


def test_whoever_is_found_is_named_with_what_matched(sandbox: Sandbox, jane: str) -> None:
    status, found = search(sandbox, email="jane@example.org", customerid="c-9", other="n-7")
    assert status == 200
    assert (found["mpid"], found["matched_identities"]) == (jane, {"email": "jane@example.org"})
    assert (found["is_ephemeral"], found["is_logged_in"]) == (False, True)
    assert found["context"]
    echoed = ask(sandbox, "/search", {**known(email="jane@example.org"), "context": "abc"})[1]
    assert echoed["context"] == "abc"


def test_whoever_is_not_found_is_not_made(sandbox: Sandbox, jane: str) -> None:
    status, answer = search(sandbox, email="joe@example.org")
    assert status == 404
    assert answer["Errors"][0]["code"] == "NOT_FOUND_ERROR"
    assert [row["id"] for row in sandbox.people()] == [jane]
    assert sandbox.state()["calls"] == {"POST /identity/v1/search 404": 1}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (known(), "LOOKUP_ERROR"),
        (known(email=""), "LOOKUP_ERROR"),
        ({"environment": "production"}, "LOOKUP_ERROR"),
        ({"known_identities": {"email": "jane@example.org"}}, "BAD_REQUEST"),
        ({**known(email="jane@example.org"), "environment": "staging"}, "BAD_REQUEST"),
        (known(controller_customer_id="c-881"), "BAD_REQUEST"),
        (known(mpid="7"), "BAD_REQUEST"),
        ([], "BAD_REQUEST"),
    ],
)
def test_a_search_without_environment_or_identities_is_refused(
    sandbox: Sandbox, jane: str, body: Any, code: str
) -> None:
    status, answer = ask(sandbox, "/search", body)
    assert (status, answer["Errors"][0]["code"], answer["StatusCode"]) == (400, code, 400)


def test_the_workspace_key_opens_nothing_here(sandbox: Sandbox) -> None:
    body = known(email="jane@example.org")
    assert sandbox.call("POST", "/identity/v1/search", body, workspace=0)[0] == 401
    assert sandbox.call("POST", "/identity/v1/search", body, workspace=None)[0] == 401
    assert sandbox.people() == []


def test_errors_come_in_four_shapes(sandbox: Sandbox, jane: str) -> None:
    bodies = {}
    for shape in ("capital", "lower", "bare", "html"):
        sandbox.switches(identity_errors=shape)
        headers = with_input_key(sandbox)
        status, _, bodies[shape] = sandbox.call(
            "POST", "/identity/v1/search", known(email="joe@example.org"), headers=headers
        )
        assert status == 404
    assert json.loads(bodies["capital"])["Errors"] == json.loads(bodies["lower"])["errors"]
    assert json.loads(bodies["bare"])["code"] == "NOT_FOUND_ERROR"
    assert b"NOT_FOUND_ERROR" not in bodies["html"]


@pytest.mark.parametrize("verb", ["identify", "login"])
def test_identify_and_login_leave_a_profile_behind(sandbox: Sandbox, jane: str, verb: str) -> None:
    status, found = ask(sandbox, f"/{verb}", known(email="joe@example.org"))
    assert status == 200
    assert {row["id"] for row in sandbox.people()} == {jane, found["mpid"]}
    assert sandbox.state()["calls"] == {f"POST /identity/v1/{verb} 200": 1}
    assert [row["verb"] for row in sandbox.asked("identity")] == [verb]


def change(kind: str, old: str | None, new: str | None) -> dict[str, Any]:
    return {
        "environment": "production",
        "identity_changes": [{"identity_type": kind, "old_value": old, "new_value": new}],
    }


def test_modify_replaces_adds_and_removes(sandbox: Sandbox, jane: str) -> None:
    changed = change("email", "jane@example.org", "jane.doe@example.org")
    changed["identity_changes"].append({"identity_type": "other", "old_value": None, "new_value": "n-7"})
    assert ask(sandbox, f"/{jane}/modify", changed)[0] == 200
    assert ask(sandbox, f"/{jane}/modify", change("customerid", "c-881", None))[0] == 200
    assert sandbox.people()[0]["identities"] == {"email": "jane.doe@example.org", "other": "n-7"}
    assert search(sandbox, email="jane@example.org")[0] == 404
    assert search(sandbox, email="jane.doe@example.org")[1]["mpid"] == jane
    assert sandbox.state()["calls"]["POST /identity/v1/{mpid}/modify 200"] == 2
    assert jane not in sandbox.log()


def test_modify_of_nobody_is_404(sandbox: Sandbox, jane: str) -> None:
    status, answer = ask(sandbox, "/7/modify", change("email", "a@example.org", "b@example.org"))
    assert (status, answer["Errors"][0]["code"]) == (404, "NOT_FOUND_ERROR")


@pytest.mark.parametrize(
    "body",
    [
        change("email", "joe@example.org", "jane.doe@example.org"),
        change("email", None, "jane.doe@example.org"),
        change("controller_customer_id", "c-881", "c-882"),
        {"environment": "production", "identity_changes": []},
        {"environment": "production"},
        {**change("email", "jane@example.org", "x@example.org"), "environment": None},
        {"environment": "production", "identity_changes": [{"identity_type": "email", "new_value": "x"}]},
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(sandbox: Sandbox, jane: str, body: Any) -> None:
    assert ask(sandbox, f"/{jane}/modify", body)[0] == 400
    assert sandbox.people()[0]["identities"] == JANE


def test_a_fault_strikes_by_the_end_of_a_path(sandbox: Sandbox, jane: str) -> None:
    sandbox.faults([{"method": "POST", "path": "*/modify", "fault": "status_500"}])
    assert search(sandbox, email="jane@example.org")[0] == 200
    body = change("email", "jane@example.org", "x@example.org")
    path, headers = f"/identity/v1/{jane}/modify", with_input_key(sandbox)
    assert sandbox.call("POST", path, body, headers=headers)[0] == 500
    assert sandbox.call("POST", path, body, headers=headers)[0] == 200
