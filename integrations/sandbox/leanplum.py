"""Leanplum under /leanplum/api: one address, the method named by `action`, a key of the right class for each.

Anything may be answered with 200; what became of it stands in `response`, one element for each action.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.accounts import Accounts, App
from integrations.sandbox.asked import Asked
from integrations.sandbox.clock import Clock
from integrations.sandbox.messages import HTML_TYPE, Answer, Call, json_answer
from integrations.sandbox.mparticle.results import event_time_ms
from integrations.sandbox.people import USER_ID, People, Person
from integrations.sandbox.switches import Switchboard

PATH = "/leanplum/api"

_DEVELOPMENT, _PRODUCTION, _EXPORT = "development_key", "production_key", "export_key"
_KEYS = {
    "deleteUser": _DEVELOPMENT,
    "unblock": _DEVELOPMENT,
    "block": _PRODUCTION,
    "setUserAttributes": _PRODUCTION,
    "exportUser": _EXPORT,
}
_CREATED_SECONDS = 1.73568960e9
_LONGEST_ID = 400

Arguments = dict[str, Any]
Element = dict[str, Any]


class _Problem(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Leanplum:
    def __init__(
        self, *, people: People, accounts: Accounts, clock: Clock, board: Switchboard, asked: Asked
    ) -> None:
        self._people = people
        self._apps = {app.app_id: app for app in accounts.apps}
        self._clock = clock
        self._board = board
        self._asked = asked
        self._lock = threading.Lock()
        self._at_work: set[tuple[str, str]] = set()
        self._verbs = {
            "deleteUser": self._delete,
            "block": self._block,
            "unblock": self._unblock,
            "exportUser": self._export,
            "setUserAttributes": self._set_attributes,
        }

    def answers(self, path: str) -> bool:
        return path.rstrip("/") == PATH or path.startswith(f"{PATH}/")

    def called(self, call: Call) -> str:
        """Address and method, by which one call is told from another; empty where it is none of ours."""
        return _route(_arguments(call)) if self.answers(call.path) else ""

    @contextmanager
    def one_at_a_time(self, call: Call) -> Iterator[Answer | None]:
        """Two calls about one user at once: the second is refused (strict device locking).

        Held for as long as the call takes, slowness included, and not only while it is worked on.
        """
        arguments = _arguments(call) if self.answers(call.path) else {}
        user = (str(arguments.get("appId")), str(arguments.get("userId") or arguments.get("deviceId") or ""))
        with self._lock:
            busy = user in self._at_work
            if user[1] and not busy:
                self._at_work.add(user)
        try:
            yield self._busy(arguments) if busy else None
        finally:
            if user[1] and not busy:
                with self._lock:
                    self._at_work.discard(user)

    def answer(self, call: Call) -> Answer:
        arguments = _arguments(call)
        try:
            answer = self._answer(call, arguments)
        except _Problem as problem:
            answer = _failed(problem.status, problem.message)
        answer.route = _route(arguments)
        return answer

    def _busy(self, arguments: Arguments) -> Answer:
        answer = _failed(429, "Request failed due to concurrent requests to the same profile ID")
        answer.route = _route(arguments)
        return answer

    def _answer(self, call: Call, arguments: Arguments) -> Answer:
        if call.method not in ("GET", "POST"):
            return Answer(status=405)
        app, user_id = self._checked(arguments)
        action = arguments["action"]
        self._asked.note("leanplum", action, account=app.app_id, content=_told(call, arguments))
        instead = self._instead()
        if instead is not None:
            return instead
        with self._people.lock:
            element = self._worked(app, user_id, arguments)
        if self._board.now.leanplum_answer == "missing":
            return json_answer(200, {})
        twice = self._board.now.leanplum_answer == "wrong_length"
        return json_answer(200, {"response": [element] * (2 if twice else 1)})

    def _instead(self) -> Answer | None:
        """What is answered, where the switch says so, to a call that was not worked."""
        switch = self._board.now.leanplum_answer
        if switch == "rate_limited":
            raise _Problem(429, "Per device rate limit exceeded for 1 devices.")
        if switch == "html":
            page = b"<!doctype html><title>502</title><h1>Server error</h1>"
            return Answer(status=502, body=page, content_type=HTML_TYPE)
        if switch in ("warning", "error"):
            element = {"success": True, switch: {"message": "The request was received and skipped."}}
            return json_answer(200, {"response": [element]})
        return None

    def _worked(self, app: App, user_id: str, arguments: Arguments) -> Element:
        action = arguments["action"]
        person = self._people.who(app.app_id, {USER_ID: user_id})
        if person is not None and person.blocked:
            self._refuse_blocked(action)
            if self._board.now.leanplum_blocked == "not_found" and action in ("deleteUser", "exportUser"):
                person = None
        return self._verbs[action](app, user_id, person, arguments)

    def _checked(self, arguments: Arguments) -> tuple[App, str]:
        for name in ("appId", "clientKey", "apiVersion", "action"):
            if not isinstance(arguments.get(name), str) or not arguments[name]:
                raise _Problem(400, f"Missing required parameter: {name}")
        app = self._apps.get(arguments["appId"])
        if app is None:
            raise _Problem(404, "No such app.")
        if arguments["apiVersion"] != "1.0.6":
            raise _Problem(400, "Unsupported apiVersion")
        wanted = _KEYS.get(arguments["action"])
        if wanted is None:
            raise _Problem(400, "Unknown action")
        if arguments["clientKey"] != getattr(app, wanted):
            raise _Problem(403, "Invalid access key")
        user_id = arguments.get("userId") or arguments.get("deviceId")
        if not isinstance(user_id, str) or not user_id:
            raise _Problem(400, "Missing required parameter: userId")
        if len(user_id) > _LONGEST_ID:
            raise _Problem(400, "Invalid userId")
        return app, user_id

    def _refuse_blocked(self, action: str) -> None:
        """Documented for updates alone; what else is refused is a switch."""
        updates = action == "setUserAttributes"
        if updates or (self._board.now.leanplum_blocked == "451" and action in ("deleteUser", "exportUser")):
            raise _Problem(451, "The user is blocked.")

    def _delete(self, app: App, user_id: str, person: Person | None, arguments: Arguments) -> Element:
        """Without `fullErasure` only the attributes go; with it all of the rest, in up to 15 days."""
        if person is None:
            return _not_found()
        person.attributes.clear()
        if _is_true(arguments.get("fullErasure")):
            seconds = self._board.now.leanplum_erasure_seconds
            if seconds == 0:
                self._people.remove(person)
                return _success()
            person.gone_at = self._clock.now() + seconds
        self._people.changed(person)
        return _success()

    def _block(self, app: App, user_id: str, person: Person | None, arguments: Arguments) -> Element:
        """Erases what there is and collects no more; an empty profile stays, so that it can be unblocked."""
        if person is None:
            return _not_found()
        person.blocked = True
        person.attributes.clear()
        person.events.clear()
        self._people.changed(person)
        return _success()

    def _unblock(self, app: App, user_id: str, person: Person | None, arguments: Arguments) -> Element:
        if person is None:
            return _not_found()
        person.blocked = False
        self._people.changed(person)
        return _success()

    def _export(self, app: App, user_id: str, person: Person | None, arguments: Arguments) -> Element:
        return _not_found() if person is None else _exported(person)

    def _set_attributes(self, app: App, user_id: str, person: Person | None, arguments: Arguments) -> Element:
        """The default disposition creates whoever is not there, erased or not."""
        given = _attributes(arguments.get("userAttributes"))
        if person is None and arguments.get("createDisposition", "CreateIfNeeded") == "CreateNever":
            return _not_found()
        person, _ = self._people.put(app.app_id, {USER_ID: user_id}, attributes=given)
        unsubscribed = arguments.get("unsubscribeChannelsToAdd")
        if unsubscribed:
            listed = json.loads(unsubscribed) if isinstance(unsubscribed, str) else unsubscribed
            known = person.consent.setdefault("unsubscribed", {})
            known.update({str(channel): True for channel in listed})
            self._people.changed(person)
        return _success()


def _exported(person: Person) -> Element:
    """Booleans come back as texts, times as seconds with a fraction (recorded traffic)."""
    events: dict[str, dict[str, Any]] = {}
    for event in person.events:
        name = str((event.get("data") or {}).get("event_name") or event["event_type"])
        at = event_time_ms(event) / 1000
        seen = events.setdefault(name, {"count": 0, "firstTime": at, "lastTime": at})
        seen["count"] += 1
        seen["firstTime"], seen["lastTime"] = min(seen["firstTime"], at), max(seen["lastTime"], at)
    attributes = {
        name: str(value) if isinstance(value, bool) else value for name, value in person.attributes.items()
    }
    return {
        "success": True,
        "userId": person.id,
        "created": _CREATED_SECONDS,
        "lastActive": max((seen["lastTime"] for seen in events.values()), default=_CREATED_SECONDS),
        "totalSessions": len(person.events),
        "timeSpentInApp": 0.0,
        "userAttributes": attributes,
        "events": events,
        "states": {},
        "devices": [{"deviceId": None}],
        "unsubscribeChannels": sorted(person.consent.get("unsubscribed", {})),
        "userBucket": 358,
    }


def _arguments(call: Call) -> Arguments:
    """In the query, in the body, or in both; a body that is neither JSON nor a form counts as none."""
    try:
        if call.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            body: Any = dict(parse_qsl(call.body.decode()))
        else:
            body = json.loads(call.body or b"{}")
    except ValueError:
        body = {}
    return {**call.query, **(body if isinstance(body, dict) else {})}


def _route(arguments: Arguments) -> str:
    action = arguments.get("action")
    return f"{PATH} {action if action in _KEYS else '(unknown action)'}"


def _told(call: Call, arguments: Arguments) -> dict[str, Any]:
    """The arguments without the key, and which of all of them stood in the address."""
    shown = {name: value for name, value in arguments.items() if name != "clientKey"}
    return {"arguments": shown, "in_query": sorted(call.query), "method": call.method}


def _attributes(given: Any) -> dict[str, Any]:
    """An object, or JSON in a text."""
    try:
        attributes = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        attributes = []
    if attributes is None:
        return {}
    if not isinstance(attributes, dict):
        raise _Problem(400, "Invalid userAttributes")
    return attributes


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _success() -> Element:
    return {"success": True}


def _not_found() -> Element:
    return {"success": True, "warning": {"message": "User not found; request skipped."}}


def _failed(status: int, message: str) -> Answer:
    return json_answer(status, {"response": [{"success": False, "error": {"message": message}}]})
