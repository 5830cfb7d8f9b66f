"""Access tokens of the Platform API: asked for once, kept in this process alone, never logged or shown.

https://docs.mparticle.com/developers/apis/platform/ (authentication)
"""

import json
import math
import re
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from dsrportal.sentence import Sentence
from dsrportal.strict_json import Malformed, read_object
from integrations import http
from integrations.account import Account
from integrations.errors import IntegrationError, Rejected, UnexpectedAnswer
from integrations.http import Answer
from integrations.mparticle import envelopes
from integrations.opendsr.client import Credentials

API: Final = "platform"
AUDIENCE: Final = "https://api.mparticle.com"
# A token lives for eight hours and cannot be revoked.
RENEWED_BEFORE_SECONDS: Final = 300.0
_TOKENS_KEPT = 32
# What may stand in a header as it is.
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)


@dataclass(slots=True)
class _Slot:
    """The token of one client at one address; the lock is held while it is asked for."""

    token: str = field(default="", repr=False)
    good_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_slots: dict[str, _Slot] = {}


def token(processor: Account, credentials: Credentials, *, sso: str, but: str = "") -> str:
    """A token that holds for minutes yet; `but` is one that was refused, and is replaced.

    Raises Unauthorized where the client is refused, and what `http.call` raises.
    """
    slot = _slot(credentials, sso)
    with slot.lock:
        if not slot.token or slot.token == but or time.monotonic() >= slot.good_until:
            slot.token, lifetime = _asked_for(processor, credentials, sso)
            slot.good_until = time.monotonic() + lifetime - RENEWED_BEFORE_SECONDS
        return slot.token


def forget() -> None:
    """Empty this process's memory of tokens."""
    _slots.clear()


def _slot(credentials: Credentials, sso: str) -> _Slot:
    """The secret is part of the key, hashed: a client whose secret was replaced gets a token of its own."""
    parts = json.dumps([sso, credentials.name, credentials.secret])
    key = sha256(parts.encode()).hexdigest()
    if key not in _slots and len(_slots) >= _TOKENS_KEPT:
        _slots.clear()
    return _slots.setdefault(key, _Slot())


def _asked_for(processor: Account, credentials: Credentials, sso: str) -> tuple[str, float]:
    """A new token, and for how many seconds it holds."""
    body = {
        "client_id": credentials.name,
        "client_secret": credentials.secret,
        "audience": AUDIENCE,
        "grant_type": "client_credentials",
    }
    answer = http.call(
        processor,
        "POST",
        f"{sso}/oauth/token",
        template="/oauth/token",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=json.dumps(body, separators=(",", ":")).encode(),
        api=API,
    )
    if not 200 <= answer.status < 300:
        raise _refusal(answer, credentials)
    try:
        said = read_object(answer.body)
    except Malformed:
        said = {}
    found, lifetime = said.get("access_token"), said.get("expires_in")
    if not isinstance(found, str) or not _TOKEN.fullmatch(found):
        raise _unexpected(answer, Sentence("contains no token"))
    known = isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and math.isfinite(lifetime)
    return found, float(lifetime) if known else 0.0  # type: ignore[arg-type]


def _refusal(answer: Answer, credentials: Credentials) -> IntegrationError:
    """The host is not the Platform API's, and speaks OAuth: its errors are `{"error", "error_description"}`."""
    status, said = answer.status, envelopes.codes(answer.body)
    # RFC 6749 5.2 has 400 for some of what is wrong with a client.
    if status in (401, 403) or {"INVALID_CLIENT", "UNAUTHORIZED_CLIENT", "ACCESS_DENIED"} & set(said):
        return credentials.refused("mParticle", Sentence("the Platform API's tokens"), http_status=status)
    if status in (400, 422):
        return Rejected(
            Sentence("mParticle's sign-on did not issue a token%(codes)s.", codes=envelopes.codes_text(said)),
            http_status=status,
        )
    return _unexpected(answer, Sentence("has the status %(status)s", status=status))


def _unexpected(answer: Answer, what: Sentence) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        Sentence("The response of mParticle's sign-on %(what)s. Check its address.", what=what),
        http_status=answer.status,
        size=len(answer.body),
    )
