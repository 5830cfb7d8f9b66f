"""`secrets.env` in the data directory: the two keys a portal cannot do without, when the environment has none.

A leaf. Made once by `manage.py portal`, readable by its owner only, read by every other command.
"""

import base64
import os
import secrets
from pathlib import Path

NAMES = ("SECRET_KEY", "PORTAL_MASTER_KEYS")
HEAD = "# The portal's own keys. Without the master keys nothing stored can be read: keep a copy elsewhere.\n"


def read(path: Path) -> dict[str, str]:
    """The values in the file; an empty dict when there is none (or none that we may read)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def make(path: Path) -> dict[str, str]:
    """Write new keys, 0600 from the first byte on. Raises FileExistsError rather than replace keys."""
    made = (secrets.token_urlsafe(64), "k1:" + base64.b64encode(os.urandom(32)).decode())
    values = dict(zip(NAMES, made, strict=True))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(HEAD + "".join(f"{name}={value}\n" for name, value in values.items()))
    return values
