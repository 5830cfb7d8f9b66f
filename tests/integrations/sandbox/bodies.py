"""Requests as a client of OpenDSR v3 writes them."""

import base64
import json
import uuid
from typing import Any

from tests.sandbox import Sandbox

DOMAIN = "opendsr.mparticle.com"
MINUTE = 60
DAY = 24 * 60 * MINUTE


def raw(value: str) -> dict[str, str]:
    return {"value": value, "encoding": "raw"}


def a_request(**changes: Any) -> dict[str, Any]:
    """A valid erasure of somebody new; a change to None leaves the field out."""
    identifier = str(uuid.uuid4())
    body: dict[str, Any] = {
        "regulation": "gdpr",
        "subject_request_id": identifier,
        "subject_request_type": "erasure",
        "submitted_time": "2026-03-01T09:30:00Z",
        "api_version": "3.0",
        "subject_identities": {"email": raw(f"{identifier}@example.org")},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def extension(**content: Any) -> dict[str, Any]:
    return {DOMAIN: content}


def create(sandbox: Sandbox, **changes: Any) -> str:
    body = a_request(**changes)
    status, _, answer = sandbox.call("POST", "/v3/requests", body)
    assert status == 201, answer
    identifier: str = body["subject_request_id"]
    return identifier


def read(sandbox: Sandbox, identifier: str) -> dict[str, Any]:
    status, _, answer = sandbox.call("GET", f"/v3/requests/{identifier}")
    assert status == 200, answer
    result: dict[str, Any] = json.loads(answer)
    return result


def with_input_key(sandbox: Sandbox, workspace: int = 0) -> dict[str, str]:
    """Basic, as IDSync and Events want it."""
    keys = sandbox.workspaces[workspace]
    token = base64.b64encode(f"{keys['input_key']}:{keys['input_secret']}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def search(sandbox: Sandbox, workspace: int = 0, **known: str) -> tuple[int, dict[str, Any]]:
    """IDSync's search, by IDSync's names."""
    body = {"environment": "production", "known_identities": known}
    headers = with_input_key(sandbox, workspace)
    status, _, answer = sandbox.call("POST", "/identity/v1/search", body, headers=headers)
    return status, json.loads(answer)


def send(sandbox: Sandbox, **batch: Any) -> int:
    """One batch to the Events API; its status."""
    headers = with_input_key(sandbox)
    status, _, answer = sandbox.call("POST", "/s2s/v2/events", batch, headers=headers)
    assert (answer == b"") is (status == 202)
    return status


def fetch(sandbox: Sandbox, identifier: str) -> tuple[int, bytes]:
    """The file of a completed access."""
    status, _, body = sandbox.call("GET", f"/v3/requests/{identifier}/results")
    return status, body
