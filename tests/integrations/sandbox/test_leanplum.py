"""Leanplum: keys of three classes, answers of 200 that mean different things, and one call at a time for a user."""

import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox import Sandbox

DAY = 24 * 3600
NOT_FOUND = {"success": True, "warning": {"message": "User not found; request skipped."}}
KEYS = {
    "deleteUser": "development_key",
    "unblock": "development_key",
    "block": "production_key",
    "setUserAttributes": "production_key",
    "exportUser": "export_key",
}


def body(sandbox: Sandbox, action: str, user_id: str = "c-881", app: int = 0, **more: Any) -> dict[str, Any]:
    keys = sandbox.leanplum[app]
    arguments = {
        "action": action,
        "appId": keys["app_id"],
        "clientKey": keys[KEYS[action]],
        "apiVersion": "1.0.6",
        "userId": user_id,
        **more,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def call(sandbox: Sandbox, action: str, user_id: str = "c-881", **more: Any) -> tuple[int, Any]:
    content = body(sandbox, action, user_id, **more)
    status, _, answer = sandbox.call("POST", "/leanplum/api", content, workspace=None)
    return status, json.loads(answer)


def one(sandbox: Sandbox, action: str, user_id: str = "c-881", **more: Any) -> dict[str, Any]:
    status, answer = call(sandbox, action, user_id, **more)
    assert status == 200, answer
    (element,) = answer["response"]
    assert isinstance(element, dict)
    return element


@pytest.fixture
def user(sandbox: Sandbox) -> str:
    sandbox.switches(strangers="unknown")
    return sandbox.person(
        {"controller_customer_id": "c-881", "email": "jane@example.org"},
        app=0,
        attributes={"is_tipping": True},
        events=[{"event_type": "custom_event", "month": "2025-11", "data": {"event_name": "purchase"}}] * 2,
    )


def test_a_person_is_put_into_an_app_as_mparticle_forwards_them(sandbox: Sandbox, user: str) -> None:
    assert user == "c-881"
    (row,) = sandbox.people(app="app_sandbox")
    assert (row["workspace"], row["identities"]) == (None, {"user_id": "c-881"})
    assert row["attributes"] == {"email": "jane@example.org", "is_tipping": True}


def test_a_user_is_exported(sandbox: Sandbox, user: str) -> None:
    element = one(sandbox, "exportUser")
    assert (element["success"], element["userId"]) == (True, "c-881")
    assert element["userAttributes"] == {"email": "jane@example.org", "is_tipping": "True"}
    assert element["events"]["purchase"]["count"] == 2
    assert isinstance(element["events"]["purchase"]["firstTime"], float)
    assert one(sandbox, "exportUser", "c-882") == NOT_FOUND
    assert one(sandbox, "exportUser", app=1) == NOT_FOUND


def test_arguments_may_stand_in_the_address(sandbox: Sandbox, user: str) -> None:
    arguments = body(sandbox, "exportUser")
    status, _, answer = sandbox.call("GET", f"/leanplum/api?{urlencode(arguments)}", workspace=None)
    assert (status, json.loads(answer)["response"][0]["userId"]) == (200, "c-881")
    del arguments["action"]
    assert sandbox.call("POST", "/leanplum/api?action=exportUser", arguments, workspace=None)[0] == 200
    assert [row["content"]["in_query"] for row in sandbox.asked("leanplum")][1] == ["action"]
    assert "c-881" not in sandbox.log()
    assert sandbox.leanplum[0]["export_key"] not in sandbox.log() + json.dumps(sandbox.asked())


def test_deleting_takes_all_of_a_user_only_when_told_so(sandbox: Sandbox, user: str) -> None:
    assert one(sandbox, "deleteUser") == {"success": True}
    element = one(sandbox, "exportUser")
    assert (element["userAttributes"], element["events"]["purchase"]["count"]) == ({}, 2)
    assert one(sandbox, "deleteUser", fullErasure=True) == {"success": True}
    assert one(sandbox, "exportUser") == NOT_FOUND
    assert one(sandbox, "deleteUser", fullErasure=True) == NOT_FOUND
    sandbox.switches(strangers="known")
    assert one(sandbox, "exportUser") == NOT_FOUND
    assert "userId" in one(sandbox, "exportUser", "somebody-else")


def test_a_full_erasure_may_take_fifteen_days(sandbox: Sandbox, user: str) -> None:
    sandbox.switches(leanplum_erasure_seconds=15 * DAY)
    one(sandbox, "deleteUser", fullErasure=True)
    sandbox.advance(15 * DAY - 1)
    assert one(sandbox, "exportUser")["userAttributes"] == {}
    sandbox.advance(1)
    assert one(sandbox, "exportUser") == NOT_FOUND
    assert sandbox.people() == []


def test_forwarding_brings_a_user_back(sandbox: Sandbox, user: str) -> None:
    one(sandbox, "deleteUser", fullErasure=True)
    assert sandbox.person({"controller_customer_id": "c-881"}, app=0) == "c-881"
    assert one(sandbox, "exportUser")["userId"] == "c-881"


def test_a_blocked_user_is_an_empty_shell_that_collects_nothing(sandbox: Sandbox, user: str) -> None:
    assert one(sandbox, "block") == {"success": True}
    sandbox.person({"controller_customer_id": "c-881"}, app=0, attributes={"plan": "free"})
    element = one(sandbox, "exportUser")
    assert (element["userAttributes"], element["events"]) == ({}, {})
    status, answer = call(sandbox, "setUserAttributes", userAttributes={"plan": "free"})
    assert (status, answer["response"][0]["success"]) == (451, False)
    assert one(sandbox, "unblock") == {"success": True}
    assert one(sandbox, "setUserAttributes", userAttributes={"plan": "free"}) == {"success": True}
    assert one(sandbox, "exportUser")["userAttributes"] == {"plan": "free"}


def test_what_else_a_block_refuses_is_a_switch(sandbox: Sandbox, user: str) -> None:
    one(sandbox, "block")
    sandbox.switches(leanplum_blocked="not_found")
    assert one(sandbox, "exportUser") == NOT_FOUND
    sandbox.switches(leanplum_blocked="451")
    assert call(sandbox, "exportUser")[0] == 451
    assert call(sandbox, "deleteUser", fullErasure=True)[0] == 451


def test_setting_attributes_creates_unless_told_not_to(sandbox: Sandbox, user: str) -> None:
    attributes = {"plan": "free"}
    never = {"userAttributes": attributes, "createDisposition": "CreateNever"}
    assert one(sandbox, "setUserAttributes", "c-9", **never) == NOT_FOUND
    assert len(sandbox.people()) == 1
    assert one(sandbox, "setUserAttributes", "c-9", userAttributes=json.dumps(attributes)) == {
        "success": True
    }
    assert {row["id"]: row["attributes"] for row in sandbox.people()}["c-9"] == attributes


def test_channels_are_unsubscribed(sandbox: Sandbox, user: str) -> None:
    one(sandbox, "setUserAttributes", unsubscribeChannelsToAdd=["Email"], createDisposition="CreateNever")
    assert one(sandbox, "exportUser")["unsubscribeChannels"] == ["Email"]


@pytest.mark.parametrize("action", KEYS)
def test_each_method_takes_a_key_of_its_class(sandbox: Sandbox, user: str, action: str) -> None:
    for name in ("development_key", "production_key", "export_key"):
        expected = 200 if name == KEYS[action] else 403
        status, answer = call(sandbox, action, clientKey=sandbox.leanplum[0][name])
        assert status == expected
        if status == 403:
            assert answer == {"response": [{"success": False, "error": {"message": "Invalid access key"}}]}
    assert call(sandbox, action, clientKey=sandbox.leanplum[1][KEYS[action]])[0] == 403


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"appId": "app_nowhere"}, 404),
        ({"appId": None}, 400),
        ({"clientKey": None}, 400),
        ({"apiVersion": "1.0.5"}, 400),
        ({"apiVersion": None}, 400),
        ({"userId": None}, 400),
        ({"userId": "x" * 401}, 400),
    ],
)
def test_what_is_missing_or_unknown_is_refused(
    sandbox: Sandbox, changes: dict[str, Any], status: int
) -> None:
    found, answer = call(sandbox, "exportUser", **changes)
    assert (found, answer["response"][0]["success"]) == (status, False)


@pytest.mark.parametrize("action", ["blockUser", "", None])
def test_a_method_that_does_not_exist_is_refused(sandbox: Sandbox, action: str | None) -> None:
    content = {**body(sandbox, "block"), "action": action}
    assert sandbox.call("POST", "/leanplum/api", content, workspace=None)[0] == 400
    assert sandbox.state()["calls"] == {"POST /leanplum/api (unknown action) 400": 1}


@pytest.mark.parametrize(
    ("position", "status", "looks_right"),
    [
        ("warning", 200, lambda answer: "warning" in answer["response"][0]),
        ("error", 200, lambda answer: answer["response"][0]["success"] and "error" in answer["response"][0]),
        ("missing", 200, lambda answer: "response" not in answer),
        ("wrong_length", 200, lambda answer: len(answer["response"]) == 2),
        ("rate_limited", 429, lambda answer: "rate limit" in answer["response"][0]["error"]["message"]),
    ],
)
def test_answers_that_say_something_else(
    sandbox: Sandbox, user: str, position: str, status: int, looks_right: Callable[[Any], bool]
) -> None:
    sandbox.switches(leanplum_answer=position)
    found, answer = call(sandbox, "deleteUser", fullErasure=True)
    assert found == status
    assert looks_right(answer)
    worked = position in ("missing", "wrong_length")
    assert (sandbox.people() == []) is worked


def test_a_gateway_answers_a_page(sandbox: Sandbox, user: str) -> None:
    sandbox.switches(leanplum_answer="html")
    content = body(sandbox, "exportUser")
    status, headers, _ = sandbox.call("POST", "/leanplum/api", content, workspace=None)
    assert (status, headers["content-type"].split(";")[0]) == (502, "text/html")


def test_two_calls_about_one_user_at_once_are_one_too_many(sandbox: Sandbox, user: str) -> None:
    sandbox.switches(latency_ms=300)
    sandbox.person({"controller_customer_id": "c-882"}, app=0)
    together = threading.Barrier(3)
    answers: list[tuple[str, int, Any]] = []

    def ask(user_id: str) -> None:
        together.wait()
        answers.append((user_id, *call(sandbox, "exportUser", user_id)))

    threads = [threading.Thread(target=ask, args=(user_id,)) for user_id in ("c-881", "c-881", "c-882")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted((user_id, status) for user_id, status, _ in answers)
    assert statuses == [("c-881", 200), ("c-881", 429), ("c-882", 200)]
    (refused,) = [answer for _, status, answer in answers if status == 429]
    assert "concurrent requests" in refused["response"][0]["error"]["message"]
    assert call(sandbox, "exportUser")[0] == 200


def test_a_fault_strikes_one_method_alone(sandbox: Sandbox, user: str) -> None:
    sandbox.faults([{"path": "/leanplum/api deleteUser", "fault": "status_502"}])
    assert call(sandbox, "exportUser")[0] == 200
    content = body(sandbox, "deleteUser", fullErasure=True)
    assert sandbox.call("POST", "/leanplum/api", content, workspace=None)[0] == 502
    assert one(sandbox, "deleteUser", fullErasure=True) == {"success": True}
    calls = sandbox.state()["calls"]
    assert calls["POST /leanplum/api deleteUser 200"] == 1
