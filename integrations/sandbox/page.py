"""placeholder"""

from __future__ import annotations

from collections.abc import Sequence

from .clock import Clock
from .engine import Engine
from .faults import Faults
from .messages import Answer, Call
from .opendsr import Workspace
from .store import Store
from .switches import Switchboard


class Page:
    def __init__(
        self,
        *,
        store: Store,
        engine: Engine,
        clock: Clock,
        board: Switchboard,
        faults: Faults,
        workspaces: Sequence[Workspace],
        base_url: str,
    ) -> None:
        pass

    def answer(self, call: Call) -> Answer:
        return Answer(status=200)
