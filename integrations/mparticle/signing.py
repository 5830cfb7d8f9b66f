"""Signs calls to IDSync: Basic, or a signature over exactly the bytes that are sent.

https://docs.mparticle.com/developers/apis/idsync/http/#authentication
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

from integrations.opendsr.client import Credentials


def signature(secret: str, message: bytes) -> str:
    """Lower-case hex HMAC-SHA256."""
    return hmac.new(secret.encode(), message, sha256).hexdigest()


def signed_headers(
    credentials: Credentials, *, method: str, path: str, body: bytes, at: datetime
) -> Mapping[str, str]:
    """`path` is the whole one, with its /v1. No newline stands between it and the body, whatever the page's prose says.

    The date is signed as the header has it, so its form is free; the page's own is ISO basic.
    """
    date = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    message = f"{method}\n{date}\n{path}".encode() + body
    return {
        "x-mp-key": credentials.name,
        "Date": date,
        "x-mp-signature": signature(credentials.secret, message),
    }
