"""The master keys, from `PORTAL_MASTER_KEYS`, and the wrapping of data keys under them."""

import base64
import binascii
import re
import uuid
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from dsrportal.crypto.errors import KeyDestroyed, Tampered, WrongKey
from dsrportal.crypto.seal import KEY_BYTES, open_sealed, seal

HOW_TO_MAKE_A_KEY = (
    "python -c \"import base64, secrets; print('k1:' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One master key. Its secret is kept out of repr and tracebacks."""

    key_id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The master keys in force: the first wraps, all of them unwrap."""

    keys: tuple[MasterKey, ...]

    @property
    def current(self) -> MasterKey:
        return self.keys[0]

    def get(self, key_id: str) -> MasterKey:
        """The master key of that id, or `WrongKey`."""
        for key in self.keys:
            if key.key_id == key_id:
                return key
        raise WrongKey(f"Master key {key_id!r} is not in PORTAL_MASTER_KEYS.")


class DataKeyRow(Protocol):
    """What unwrapping needs of a data key; historical models in migrations have it too."""

    id: uuid.UUID
    purpose: str
    wrapped: bytes | memoryview | None
    master_key_id: str


def keyring() -> Keyring:
    """The configured keyring. `ImproperlyConfigured` with one sentence that says what to do."""
    return parse_keyring(tuple(settings.PORTAL_MASTER_KEYS))


@lru_cache(maxsize=8)
def parse_keyring(entries: tuple[str, ...]) -> Keyring:
    """Read `id:base64 of 32 bytes` entries, the current key first.

    Raises ImproperlyConfigured for no entry, a malformed one, or the same id twice.
    """
    if not entries:
        raise ImproperlyConfigured(
            f"PORTAL_MASTER_KEYS is empty: make a key with `{HOW_TO_MAKE_A_KEY}`, set PORTAL_MASTER_KEYS to what it "
            "prints, and keep a copy outside this machine, because without it nothing stored here can be read."
        )
    keys = tuple(_parse_entry(position, entry) for position, entry in enumerate(entries, start=1))
    if len({key.key_id for key in keys}) != len(keys):
        raise ImproperlyConfigured(
            "PORTAL_MASTER_KEYS names the same key id twice: give each key an id of its own."
        )
    return Keyring(keys)


def wrap(row_id: uuid.UUID, purpose: str, secret: bytes) -> tuple[bytes, str]:
    """The secret of a data key under the current master key, with that master key's id."""
    master = keyring().current
    return seal(master.secret, secret, _associated(row_id, purpose)), master.key_id


def unwrap(row: DataKeyRow) -> bytes:
    """The secret of a data key. `KeyDestroyed` when it was shredded, `WrongKey` when no master key opens it."""
    if row.wrapped is None:
        raise KeyDestroyed("The key of this data was destroyed: what it covered cannot be read any more.")
    master = keyring().get(row.master_key_id)
    try:
        return open_sealed(master.secret, bytes(row.wrapped), _associated(row.id, row.purpose))
    except Tampered:
        raise WrongKey(
            f"Master key {row.master_key_id!r} in PORTAL_MASTER_KEYS is not the one that wrapped this data key."
        ) from None


def _associated(row_id: uuid.UUID, purpose: str) -> bytes:
    return f"DataKey:{row_id}:{purpose}".encode()


def _parse_entry(position: int, entry: str) -> MasterKey:
    """Errors name the position, never the entry: it may be a key without its id."""
    key_id, colon, encoded = entry.strip().partition(":")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not colon or not _KEY_ID.fullmatch(key_id) or len(secret) != KEY_BYTES:
        raise ImproperlyConfigured(
            f"Entry {position} of PORTAL_MASTER_KEYS is not `id:base64 of {KEY_BYTES} bytes`: "
            f"make one with `{HOW_TO_MAKE_A_KEY}`."
        )
    return MasterKey(key_id, secret)
