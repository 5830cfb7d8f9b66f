"""The requests, by workspace: in memory, behind one lock, and written behind the scenes to a journal.

Nothing is written while a request is being answered: changed requests are marked, and a thread appends them a
moment later. A sandbox that is killed may forget the last tenth of a second, as a vendor's replica might.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .lifecycle import OPEN

Key = tuple[str, str]

_FLUSH_SECONDS = 0.1


@dataclass(slots=True, eq=False)
class Queued:
    """A callback that waits for its batch: what it says was true when it was queued, not when it is sent."""

    url: str
    status: str
    forwarded: bool
    due: float
    attempt: int = 1


@dataclass(slots=True, eq=False)
class SubjectRequest:
    """One OpenDSR request. `*_at` are virtual seconds, `received_time` is real and as we stated it."""

    workspace: str
    id: str
    type: str
    regulation: str
    group_id: str | None
    submitted_time: str
    identities: dict[str, str]
    extension_identities: dict[str, str]
    skip_waiting_period: bool
    callback_urls: list[str]
    content: str
    received_time: str
    expected_days: int
    opened_at: float
    starts_at: float
    ends_at: float
    forwards_at: float
    status: str = "pending"
    forwarded: bool = False
    completed_at: float | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    unsent: list[Queued] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.workspace, self.id


class Store:
    """Take `lock` around reading or changing more than one thing; `changed` marks for the journal."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.requests: dict[Key, SubjectRequest] = {}
        self.groups: dict[Key, list[Key]] = {}
        self.open_by_content: dict[Key, str] = {}
        self.posts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.saved_clock = 0.0
        self.clock: Callable[[], float] = lambda: self.saved_clock
        self._path = path
        self._dirty: dict[Key, None] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._writing = threading.Lock()
        self._load()
        self._file = self._rewrite()
        self._writer = threading.Thread(target=self._write_behind, name="journal", daemon=True)

    def start(self) -> None:
        self._writer.start()

    def add(self, request: SubjectRequest) -> None:
        """Put a request in every index. The caller holds the lock."""
        self.requests[request.key] = request
        if request.group_id is not None:
            self.groups.setdefault((request.workspace, request.group_id), []).append(request.key)
        if request.status in OPEN:
            self.open_by_content[request.workspace, request.content] = request.id

    def changed(self, request: SubjectRequest) -> None:
        """Note a change for the journal. The caller holds the lock."""
        if request.status not in OPEN:
            self.open_by_content.pop((request.workspace, request.content), None)
        self._dirty[request.key] = None
        if not self._wake.is_set():
            self._wake.set()

    def clear(self) -> None:
        with self._writing, self.lock:
            self.requests.clear()
            self.groups.clear()
            self.open_by_content.clear()
            self.posts.clear()
            self.calls.clear()
            self._dirty.clear()
            self._file.close()
            self._file = self._rewrite()

    def close(self) -> None:
        self._stopping = True
        self._wake.set()
        self._writer.join(timeout=1)
        self.flush()

    def flush(self) -> None:
        with self._writing:
            with self.lock:
                keys, self._dirty = list(self._dirty), {}
            for key in keys:
                with self.lock:
                    request = self.requests.get(key)
                    row = self._row(request) if request else None
                if row is not None:
                    self._file.write(json.dumps(row) + "\n")
            self._file.write(json.dumps({"clock": self.clock()}) + "\n")
            self._file.flush()

    def _write_behind(self) -> None:
        while not self._stopping:
            self._wake.wait()
            self._wake.clear()
            if not self._stopping:
                threading.Event().wait(_FLUSH_SECONDS)
                self.flush()

    def _row(self, request: SubjectRequest) -> dict[str, Any]:
        return {"request": asdict(request), "posts": self.posts[request.id]}

    def _load(self) -> None:
        """Read the journal: the last line about a request wins, and a torn last line is no harm."""
        rows: dict[Key, dict[str, Any]] = {}
        for line in self._lines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "clock" in entry:
                self.saved_clock = float(entry["clock"])
            elif "request" in entry:
                rows[entry["request"]["workspace"], entry["request"]["id"]] = entry
        for entry in rows.values():
            fields = entry["request"]
            fields["unsent"] = [Queued(**queued) for queued in fields["unsent"]]
            request = SubjectRequest(**fields)
            self.posts[request.id] = entry["posts"]
            self.add(request)

    def _lines(self) -> Iterable[str]:
        try:
            return self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _rewrite(self) -> Any:
        """Start the journal afresh with what is known, readable by its owner alone: it holds identities."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        file = os.fdopen(descriptor, "w", encoding="utf-8")
        for request in self.requests.values():
            file.write(json.dumps(self._row(request)) + "\n")
        file.write(json.dumps({"clock": self.clock() if self.requests else 0.0}) + "\n")
        file.flush()
        os.replace(fresh, self._path)
        return file
