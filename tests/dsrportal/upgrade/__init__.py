"""Databases of older versions, and that `migrate` brings them here."""

import base64
from typing import Final

# Opens nothing but what `make_dump` wrote.
MASTER_KEYS: Final = "upgrade1:" + base64.b64encode(bytes(range(32))).decode()
# Whom a person of the dump is known by; nobody is reached there.
ADDRESS: Final = "someone@example.org"
