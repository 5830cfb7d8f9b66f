"""Record of calls to the parts beside OpenDSR, for tests: names and contents, never a key or a secret."""

from __future__ import annotations

from collections import deque
from typing import Any


class Asked:
    """The last thousand."""

    def __init__(self) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=1000)

    def note(self, part: str, verb: str, *, account: str, content: Any) -> None:
        self._rows.append({"part": part, "verb": verb, "account": account, "content": content})

    def rows(self) -> list[dict[str, Any]]:
        return list(self._rows)

    def clear(self) -> None:
        self._rows.clear()
