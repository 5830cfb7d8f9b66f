"""The file that survives a kill: one line about whatever changed, written behind the scenes.

Nothing is written while a call is being answered: what changed is marked, and a thread appends it a moment later. A
sandbox that is killed may forget the last tenth of a second, as a vendor's replica might.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]

_FLUSH_SECONDS = 0.1


class Keeper(Protocol):
    """Who keeps something in memory that the journal has to remember."""

    def rows(self) -> Iterator[Row]:
        """Everything it knows, as the lines that would make it known again."""

    def clear(self) -> None:
        """Forget everything."""


class Journal:
    """`lock` is the one lock around everything that is remembered. Reading comes first, then `start`."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.entries: list[Row] = []
        self.saved_clock = 0.0
        self.clock: Callable[[], float] = lambda: self.saved_clock
        self._path = path
        self._keepers: list[Keeper] = []
        self._marked: dict[Hashable, Callable[[], Row]] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._writing = threading.Lock()
        self._file: Any = None
        self._writer = threading.Thread(target=self._write_behind, name="journal", daemon=True)
        self._load()

    def keep(self, keeper: Keeper) -> None:
        self._keepers.append(keeper)

    def start(self) -> None:
        """Every keeper has read its lines: begin afresh with what they know."""
        self.entries.clear()
        self._file = self._rewrite(self.clock())
        self._writer.start()

    def mark(self, key: Hashable, row: Callable[[], Row]) -> None:
        """Have `row` written soon; of many marks under one key the last counts. The caller holds the lock."""
        self._marked[key] = row
        if not self._wake.is_set():
            self._wake.set()

    def clear(self) -> None:
        """Everybody forgets everything, and so does the file."""
        with self._writing, self.lock:
            for keeper in self._keepers:
                keeper.clear()
            self._marked.clear()
            self._file.close()
            self._file = self._rewrite(0.0)

    def close(self) -> None:
        self._stopping = True
        self._wake.set()
        self._writer.join(timeout=1)
        self.flush()

    def flush(self) -> None:
        with self._writing:
            with self.lock:
                marked, self._marked = self._marked, {}
            for row in marked.values():
                with self.lock:
                    written = row()
                self._file.write(json.dumps(written) + "\n")
            self._file.write(json.dumps({"clock": self.clock()}) + "\n")
            self._file.flush()

    def _write_behind(self) -> None:
        while not self._stopping:
            self._wake.wait()
            self._wake.clear()
            if not self._stopping:
                threading.Event().wait(_FLUSH_SECONDS)
                self.flush()

    def _load(self) -> None:
        """A torn last line is no harm."""
        for line in self._lines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "clock" in entry:
                self.saved_clock = float(entry["clock"])
            else:
                self.entries.append(entry)

    def _lines(self) -> Iterable[str]:
        try:
            return self._path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []

    def _rewrite(self, clock: float) -> Any:
        """Start the file afresh with what is known, readable by its owner alone: it holds identities."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        file = os.fdopen(descriptor, "w", encoding="utf-8")
        for keeper in self._keepers:
            for row in keeper.rows():
                file.write(json.dumps(row) + "\n")
        file.write(json.dumps({"clock": clock}) + "\n")
        file.flush()
        os.replace(fresh, self._path)
        return file
