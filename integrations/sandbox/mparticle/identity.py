"""IDSync under /identity/v1: who is known by these identities, and other identities for somebody known.

`/search` only looks. `/identify` and `/login` are here because they create whoever they do not find, as the real ones
do: a client that looks people up by them leaves profiles behind.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any

from integrations.sandbox.accounts import Workspace
from integrations.sandbox.asked import Asked
from integrations.sandbox.messages import HTML_TYPE, Answer, Call, json_answer
from integrations.sandbox.mparticle.names import IDSYNC
from integrations.sandbox.mparticle.signing import by_basic, by_signature
from integrations.sandbox.people import People, Person
from integrations.sandbox.switches import Switchboard

PREFIX = "/identity/v1"

_SPELLING = {name: spelled for spelled, name in IDSYNC.items()}
_ENVIRONMENTS = ("production", "development")
_LOGIN = frozenset({"controller_customer_id", "email"})


class _Problem(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Identity:
    def __init__(
        self, *, people: People, board: Switchboard, asked: Asked, workspaces: Sequence[Workspace]
    ) -> None:
        self._people = people
        self._board = board
        self._asked = asked
        self._workspaces = workspaces

    def answers(self, path: str) -> bool:
        return path.startswith(f"{PREFIX}/")

    def answer(self, call: Call) -> Answer:
        verb, mpid = _verb(call.path)
        try:
            answer = self._answer(call, verb, mpid)
        except _Problem as problem:
            answer = self._error(problem)
        answer.route = PREFIX + ("/{mpid}/modify" if verb == "modify" else f"/{verb}")
        return answer

    def _answer(self, call: Call, verb: str, mpid: str) -> Answer:
        workspace = by_basic(call, self._workspaces) or by_signature(call, self._workspaces)
        if workspace is None:
            raise _Problem(401, "UNAUTHORIZED", "The key or its proof is wrong.")
        if verb == "(unknown)":
            return Answer(status=404, body=b"Not Found", content_type="text/plain")
        if call.method != "POST":
            return Answer(status=405)
        body = _json_object(call.body)
        self._asked.note("identity", verb, account=workspace.id, content=body)
        if body.get("environment") not in _ENVIRONMENTS:
            raise _Problem(400, "BAD_REQUEST", "environment must be production or development.")
        if verb == "modify":
            return self._modify(workspace, mpid, body)
        identities = _known_identities(body)
        if verb == "search":
            person = self._people.who(workspace.id, identities)
            if person is None:
                raise _Problem(404, "NOT_FOUND_ERROR", "No user was found for the known identities.")
        else:
            person, _ = self._people.put(workspace.id, identities)
        return json_answer(200, _found(person, identities, body))

    def _modify(self, workspace: Workspace, mpid: str, body: dict[str, Any]) -> Answer:
        changes = body.get("identity_changes")
        if not isinstance(changes, list) or not changes:
            raise _Problem(400, "BAD_REQUEST", "identity_changes is empty.")
        person = self._people.profile(workspace.id, mpid)
        if person is None:
            raise _Problem(404, "NOT_FOUND_ERROR", "No user was found for the mpid.")
        wanted = [_change(row, person) for row in changes]
        for name, value in wanted:
            self._people.exchange(person, name, value)
        done = [{"identity_type": _SPELLING[name], "modified_mpid": mpid} for name, _ in wanted]
        return json_answer(200, {"change_results": done})

    def _error(self, problem: _Problem) -> Answer:
        """Capital `Errors` on the wire, `errors` in the documents; a proxy answers a page of its own."""
        shape = self._board.now.identity_errors
        if shape == "html":
            page = f"<!doctype html><title>{problem.status}</title><h1>{problem.status}</h1>"
            return Answer(status=problem.status, body=page.encode(), content_type=HTML_TYPE)
        row = {"code": problem.code, "message": problem.message}
        if shape == "bare":
            return json_answer(problem.status, row)
        if shape == "lower":
            return json_answer(problem.status, {"errors": [row]})
        envelope = {"Errors": [row], "ErrorCode": problem.code, "StatusCode": problem.status}
        return json_answer(problem.status, {**envelope, "RequestId": str(uuid.uuid4())})


def _verb(path: str) -> tuple[str, str]:
    parts = path.removeprefix(PREFIX).strip("/").split("/")
    if parts in (["search"], ["identify"], ["login"]):
        return parts[0], ""
    if len(parts) == 2 and parts[1] == "modify":
        return "modify", parts[0]
    return "(unknown)", ""


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _Problem(400, "BAD_REQUEST", "The body is not a JSON object.")
    return body


def _known_identities(body: dict[str, Any]) -> dict[str, str]:
    """By OpenDSR's names. Empty values are as good as none."""
    given = body.get("known_identities")
    if not isinstance(given, dict):
        raise _Problem(400, "LOOKUP_ERROR", "knownIdentities is empty.")
    if any(name not in IDSYNC or not isinstance(value, str | None) for name, value in given.items()):
        raise _Problem(400, "BAD_REQUEST", "An identity in known_identities is not supported.")
    identities = {IDSYNC[name]: value for name, value in given.items() if value}
    if not identities:
        raise _Problem(400, "LOOKUP_ERROR", "knownIdentities is empty.")
    return identities


def _found(person: Person, identities: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """Of the identities sent, those that are this person's."""
    matched = {
        _SPELLING[name]: value for name, value in identities.items() if person.identities.get(name) == value
    }
    logged_in = not _LOGIN.isdisjoint(person.identities)
    context = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()
    return {
        "context": body.get("context") or context,
        "mpid": person.id,
        "matched_identities": matched,
        "is_ephemeral": not person.identities,
        "is_logged_in": logged_in,
    }


def _change(row: Any, person: Person) -> tuple[str, str | None]:
    """The identity to change and its new value; null adds (old) or removes (new)."""
    if not isinstance(row, dict) or not {"identity_type", "old_value", "new_value"} <= set(row):
        raise _Problem(400, "BAD_REQUEST", "A change has identity_type, old_value and new_value.")
    name, old, new = IDSYNC.get(str(row["identity_type"])), row["old_value"], row["new_value"]
    if name is None or not isinstance(old, str | None) or not isinstance(new, str | None):
        raise _Problem(400, "BAD_REQUEST", "A change in identity_changes is not supported.")
    if person.identities.get(name) != old:
        raise _Problem(400, "BAD_REQUEST", "The old_value is not what the user has.")
    return name, new or None
