"""The two ways to prove an input key: Basic, or HMAC-SHA256 over the call (docs.mparticle.com, "IDSync HTTP API")."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from integrations.sandbox.accounts import Workspace, basic_token, sent_token
from integrations.sandbox.messages import Call


def signature(secret: str, *, method: str, date: str, target: str, body: bytes) -> str:
    """Lower-case hex. The date is the header's own text, and nothing stands between path with query and body."""
    return digest(secret, f"{method}\n{date}\n{target}".encode() + body)


def digest(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def by_basic(call: Call, workspaces: Sequence[Workspace]) -> Workspace | None:
    token = sent_token(call.headers)
    for workspace in workspaces:
        if token == basic_token(workspace.input_key, workspace.input_secret):
            return workspace
    return None


def by_signature(call: Call, workspaces: Sequence[Workspace]) -> Workspace | None:
    """How old a signature may be is not documented, so its age is not looked at; that it has a date is."""
    given, date = call.headers.get("x-mp-signature", ""), call.headers.get("date", "")
    if not given or not is_date(date):
        return None
    for workspace in workspaces:
        if workspace.input_key != call.headers.get("x-mp-key"):
            continue
        expected = signature(
            workspace.input_secret, method=call.method, date=date, target=call.target, body=call.body
        )
        return workspace if hmac.compare_digest(expected.encode(), given.encode()) else None
    return None


def is_date(text: str) -> bool:
    """ISO 8601 basic (`20170712T224127Z`), as in the documentation, or RFC 1123, as the vendor's SDKs send."""
    try:
        datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        try:
            parsedate_to_datetime(text)
        except ValueError:
            return False
    return True
