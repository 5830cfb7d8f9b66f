"""Envelope encryption: master keys wrap data keys, data keys seal values and files.

A leaf: it knows no app. Data keys are rows of `dsrportal.models.DataKey`.
"""

from dsrportal.crypto.chunks import decrypt_chunks, encrypt_chunks
from dsrportal.crypto.errors import KeyDestroyed, Tampered, Unreadable, WrongKey
from dsrportal.crypto.index import blind_index, normalise
from dsrportal.crypto.keyring import (
    HOW_TO_MAKE_A_KEY,
    Keyring,
    MasterKey,
    keyring,
    parse_keyring,
    unwrap,
    wrap,
)
from dsrportal.crypto.reader import open_file
from dsrportal.crypto.seal import new_key, open_sealed, seal
from dsrportal.crypto.startup import verify_keyring

__all__ = [
    "HOW_TO_MAKE_A_KEY",
    "KeyDestroyed",
    "Keyring",
    "MasterKey",
    "Tampered",
    "Unreadable",
    "WrongKey",
    "blind_index",
    "decrypt_chunks",
    "encrypt_chunks",
    "keyring",
    "new_key",
    "normalise",
    "open_file",
    "open_sealed",
    "parse_keyring",
    "seal",
    "unwrap",
    "verify_keyring",
    "wrap",
]
