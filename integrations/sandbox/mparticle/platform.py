"""A token from /sso, and with it the accounts and workspaces under /platform/v1."""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.accounts import Accounts
from integrations.sandbox.asked import Asked
from integrations.sandbox.clock import Clock
from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.switches import Switchboard

TOKEN_PATH = "/sso/oauth/token"  # noqa: S105 (a path)
PREFIX = "/platform/v1"

_AUDIENCE = "https://api.mparticle.com"
_FIELDS = ("client_id", "client_secret", "audience", "grant_type")
# No zone, as in the vendor's examples.
_CREATED, _MODIFIED = "2021-03-11T16:02:14.233", "2025-11-05T09:41:07.917"


class Platform:
    """Tokens live in memory alone: after a restart there are none."""

    def __init__(self, *, accounts: Accounts, clock: Clock, board: Switchboard, asked: Asked) -> None:
        self._accounts = accounts
        self._clock = clock
        self._board = board
        self._asked = asked
        self._lock = threading.Lock()
        self._issued: dict[str, tuple[float, float]] = {}

    def answers(self, path: str) -> bool:
        return path.startswith(("/sso/", "/platform/"))

    def answer(self, call: Call) -> Answer:
        path = call.path.rstrip("/")
        if path == TOKEN_PATH:
            answer = self._token(call) if call.method == "POST" else Answer(status=405)
            answer.route = TOKEN_PATH
            return answer
        route = _route(path)
        answer = self._read(call, route)
        answer.route = route
        return answer

    def forget(self) -> None:
        with self._lock:
            self._issued.clear()

    def _token(self, call: Call) -> Answer:
        """The host is Auth0, and so is the shape of its errors."""
        given = _fields(call)
        client = self._accounts.client
        self._asked.note("sso", "token", account="", content={"fields": sorted(given)})
        if any(not isinstance(given.get(name), str) for name in _FIELDS):
            return _refused(400, "invalid_request", "A field is missing.")
        if given["grant_type"] != "client_credentials":
            return _refused(403, "unsupported_grant_type", "The grant type is not supported.")
        if (given["client_id"], given["client_secret"]) != (client.client_id, client.client_secret):
            return _refused(self._board.now.oauth_refusal, "access_denied", "Unauthorized")
        if given["audience"] != _AUDIENCE:
            return _refused(403, "access_denied", "The audience is not one of this service.")
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._issued[token] = (self._clock.now(), time.monotonic())
        seconds = self._board.now.oauth_seconds
        return json_answer(200, {"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    def _is_valid(self, call: Call) -> bool:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        with self._lock:
            issued = self._issued.get(token.strip()) if scheme.lower() == "bearer" else None
        if issued is None:
            return False
        virtual, real = self._clock.now() - issued[0], time.monotonic() - issued[1]
        age = virtual if self._board.now.oauth_clock == "virtual" else real
        return age < self._board.now.oauth_seconds

    def _read(self, call: Call, route: str) -> Answer:
        kind = "workspace" if route.endswith("/workspace") else "account"
        if not self._is_valid(call):
            return _error(401, kind, "UNAUTHORIZED", "The access token is missing, wrong or expired.")
        if route == "(unknown path)":
            return _error(404, kind, "NOT_FOUND", "There is no such resource.")
        if call.method != "GET":
            return _error(405, kind, "METHOD_NOT_ALLOWED", "Only GET is possible here.")
        account = call.query.get("accountId")
        self._asked.note("platform", kind, account=account or "", content=dict(call.query))
        if not account:
            # Not a 400: without the parameter nobody knows whether the token is good for it.
            return _error(401, kind, "UNAUTHORIZED", "The accountId is missing.")
        wanted = call.path.rstrip("/").rpartition("/")[2] if route.endswith("{id}") else account
        if account != self._accounts.client.account_id or wanted != account:
            return _error(404, kind, "NOT_FOUND", "The account does not exist or is out of scope.")
        if self._board.now.platform_shape == "errors":
            return _error(200, kind, "INTERNAL", "The list could not be read.")
        rows = self._workspaces() if kind == "workspace" else [self._account()]
        if self._board.now.platform_shape == "bare":
            return json_answer(200, rows)
        return json_answer(200, {"data": rows, "dataType": kind, "errors": None})

    def _account(self) -> dict[str, Any]:
        return {
            "id": int(self._accounts.client.account_id),
            "name": "Sandbox account",
            "data_type": "account",
            "created_on": _CREATED,
            "last_modified_on": _MODIFIED,
        }

    def _workspaces(self) -> list[dict[str, Any]]:
        as_numbers = self._board.now.platform_shape == "integer_ids"
        return [
            {
                "id": int(one.id) if as_numbers and one.id.isdigit() else one.id,
                "name": f"Sandbox workspace {one.id}",
                "data_type": "workspace",
                "created_on": _CREATED,
            }
            for one in self._accounts.workspaces
        ]


def _route(path: str) -> str:
    if path in (f"{PREFIX}/accounts", f"{PREFIX}/workspace"):
        return path
    parts = path.removeprefix(f"{PREFIX}/accounts/").split("/")
    if path.startswith(f"{PREFIX}/accounts/") and len(parts) == 1:
        return f"{PREFIX}/accounts/{{id}}"
    return "(unknown path)"


def _fields(call: Call) -> dict[str, Any]:
    """JSON, or a form."""
    if call.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(call.body.decode(errors="replace")))
    try:
        given = json.loads(call.body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _refused(status: int, error: str, description: str) -> Answer:
    return json_answer(status, {"error": error, "error_description": description})


def _error(status: int, kind: str, code: str, message: str) -> Answer:
    body = {"data": [], "dataType": kind, "errors": [{"code": code, "message": message}]}
    return json_answer(status, body)
