"""The OpenDSR requests, by workspace: in memory, behind one lock, and remembered in the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from integrations.sandbox.journal import Journal
from integrations.sandbox.mparticle.lifecycle import OPEN

Key = tuple[str, str]


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
    found: dict[str, Any] | None = None  # who it was about, as known when it was completed
    history: list[dict[str, Any]] = field(default_factory=list)
    unsent: list[Queued] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.workspace, self.id

    @property
    def all_identities(self) -> dict[str, str]:
        return {**self.identities, **self.extension_identities}


class Store:
    """Take `lock` around reading or changing more than one thing; `changed` marks for the journal."""

    def __init__(self, journal: Journal) -> None:
        self.lock = journal.lock
        self.journal = journal
        self.requests: dict[Key, SubjectRequest] = {}
        self.groups: dict[Key, list[Key]] = {}
        self.open_by_content: dict[Key, str] = {}
        self.posts: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._load(journal.entries)
        journal.keep(self)

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
        self.journal.mark(("request", *request.key), lambda: self._row(request))

    def clear(self) -> None:
        self.requests.clear()
        self.groups.clear()
        self.open_by_content.clear()
        self.posts.clear()
        self.calls.clear()

    def rows(self) -> Iterator[dict[str, Any]]:
        return map(self._row, self.requests.values())

    def _row(self, request: SubjectRequest) -> dict[str, Any]:
        return {"request": asdict(request), "posts": self.posts[request.id]}

    def _load(self, entries: list[dict[str, Any]]) -> None:
        """The last line about a request wins."""
        rows = {
            (entry["request"]["workspace"], entry["request"]["id"]): entry
            for entry in entries
            if "request" in entry
        }
        for entry in rows.values():
            fields = entry["request"]
            fields["unsent"] = [Queued(**queued) for queued in fields["unsent"]]
            request = SubjectRequest(**fields)
            self.posts[request.id] = entry["posts"]
            self.add(request)
