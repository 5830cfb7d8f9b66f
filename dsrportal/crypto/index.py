"""Blind index: exact search over values that are stored encrypted.

The stored value stays as it was typed; only the index is computed over its normal form. The index key is a data key of
purpose `index`: random, made once, wrapped like every other, so rotating master keys never re-indexes anything.
"""

import hashlib
import hmac
import re
import unicodedata
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps

PHONES = frozenset({"mobile_number", "phone_number_2", "phone_number_3"})
DEVICES = frozenset({"ios_vendor_id", "android_id"})
DEVICE_ENDINGS = ("_advertising_id", "_publisher_id")
_UUID = re.compile(r"\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?")
_INTEGER = re.compile(r"[+-]?\d{1,20}")


def blind_index(kind: str, value: str) -> bytes:
    """32 bytes that are equal for equal normal forms of one kind, and say nothing without the index key."""
    row: Any = apps.get_model("dsrportal", "DataKey").shared("index")
    message = kind.encode() + b"\x00" + normalise(kind, value).encode("utf-8", "surrogatepass")
    return hmac.digest(_index_key(row.secret()), message, hashlib.sha256)


def normalise(kind: str, value: str) -> str:
    """The form in which two spellings of one identity are equal. Never shown, never sent, never stored.

    - every kind: Unicode NFKC, outer blanks removed
    - `email`: inner blanks removed, case folded
    - phones: digits only; a leading `+` or `00` both mark an international number and are dropped, with a `(0)` inside
      it. A national number keeps its leading zero and is not the same as its international form, because the country
      is not known
    - device ids: case folded; of a UUID also braces and hyphens are dropped
    - `mpid`: the decimal integer without leading zeros or plus sign
    - customer ids, `other*` and kinds not known here: nothing more
    """
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind == "email":
        normal = _folded("".join(plain.split()))
    elif kind in PHONES:
        normal = _phone(plain)
    elif kind in DEVICES or kind.endswith(DEVICE_ENDINGS):
        normal = _device(plain)
    elif kind == "mpid":
        normal = str(int(plain)) if _INTEGER.fullmatch(plain) else plain
    else:
        normal = plain
    # A value that has nothing of its kind in it must not become equal to all others that have not.
    return normal or plain


def _folded(text: str) -> str:
    # Folding can undo the normal form (Unicode 3.13, NFKC_Casefold).
    return unicodedata.normalize("NFKC", text.casefold())


def _phone(text: str) -> str:
    digits = _digits(text)
    if text.startswith("+") or digits.startswith("00"):
        digits = _digits(text.replace("(0)", ""))
        return digits.removeprefix("00")
    return digits


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


def _device(text: str) -> str:
    folded = _folded(text)
    match = _UUID.fullmatch(folded)
    return "".join(match.groups()) if match else folded


@lru_cache(maxsize=4)
def _index_key(secret: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"dsrportal blind index").derive(secret)
