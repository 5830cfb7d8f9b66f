"""The Events API under /s2s/v2: batches that are taken with 202 before anybody has looked at what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from integrations.sandbox.accounts import Workspace, sent_token
from integrations.sandbox.clock import Clock, stated_now
from integrations.sandbox.journal import Journal, Row
from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.mparticle.batches import MOST_BATCHES, BadBatch, check, identities_of, parse
from integrations.sandbox.mparticle.lifecycle import DAY
from integrations.sandbox.mparticle.signing import by_basic
from integrations.sandbox.people import People
from integrations.sandbox.switches import Switchboard

PREFIX = "/s2s/v2"

# "Dropped for 30 to 60 days" (docs.mparticle.com, "JSON reference", source_request_id).
_REMEMBERED_SECONDS = 30 * DAY


class Events:
    """Keeps every batch that was taken, and how often each came again."""

    def __init__(
        self,
        journal: Journal,
        *,
        people: People,
        clock: Clock,
        board: Switchboard,
        workspaces: Sequence[Workspace],
    ) -> None:
        self._journal = journal
        self._people = people
        self._clock = clock
        self._board = board
        self._workspaces = workspaces
        self._batches: list[Row] = []
        self._by_request: dict[tuple[str, str], int] = {}
        for entry in journal.entries:
            if "batch" in entry:
                self._load(entry["batch"])
        journal.keep(self)

    def answers(self, path: str) -> bool:
        return path.startswith("/s2s/")

    def answer(self, call: Call) -> Answer:
        path = call.path.rstrip("/")
        route = path if path in (f"{PREFIX}/events", f"{PREFIX}/bulkevents") else "(unknown path)"
        try:
            answer = self._answer(call, route)
        except BadBatch as refusal:
            answer = _error(400, "BAD_REQUEST", str(refusal))
        answer.route = route
        return answer

    def batches(self) -> list[Row]:
        """As they were sent, each with what became of it under `taken`."""
        with self._journal.lock:
            return [
                {**row["batch"], "taken": {name: value for name, value in row.items() if name != "batch"}}
                for row in self._batches
            ]

    def rows(self) -> Iterator[Row]:
        return ({"batch": row} for row in self._batches)

    def clear(self) -> None:
        self._batches.clear()
        self._by_request.clear()

    def _answer(self, call: Call, route: str) -> Answer:
        if route == "(unknown path)":
            return Answer(status=404)
        if sent_token(call.headers) is None:
            return _error(401, "UNAUTHORIZED", "No credentials were given.")
        workspace = by_basic(call, self._workspaces)
        if workspace is None:
            return _error(403, "FORBIDDEN", "The credentials are wrong.")
        if call.method != "POST":
            return Answer(status=405)
        content = parse(call.body)
        if route.endswith("/events"):
            self._take(workspace, check(content))
            return Answer(status=202)
        if not isinstance(content, list) or len(content) > MOST_BATCHES:
            raise BadBatch(f"An array of at most {MOST_BATCHES} batches is expected.")
        for one in content:
            # 202 for all of them, even if some are bad: those are dropped in silence.
            try:
                self._take(workspace, check(one))
            except BadBatch:
                continue
        return Answer(status=202)

    def _take(self, workspace: Workspace, batch: dict[str, Any]) -> None:
        identities = identities_of(batch)
        if not identities and not batch.get("events") and self._board.now.empty_batch == 400:
            raise BadBatch("The batch has neither an identity nor an event.")
        with self._journal.lock:
            if self._is_repeated(workspace, batch):
                return
            row: Row = {
                "workspace": workspace.id,
                "at": self._clock.now(),
                "time": stated_now(),
                "mpid": None,
                "created": False,
                "repeats": 0,
                "batch": batch,
            }
            if identities:
                row["mpid"], row["created"] = self._apply(workspace, identities, batch)
            self._load(row)
            self._mark(len(self._batches) - 1)

    def _is_repeated(self, workspace: Workspace, batch: dict[str, Any]) -> bool:
        number = self._by_request.get((workspace.id, str(batch.get("source_request_id"))))
        if number is None or self._clock.now() - self._batches[number]["at"] > _REMEMBERED_SECONDS:
            return False
        self._batches[number]["repeats"] += 1
        self._mark(number)
        return True

    def _apply(
        self, workspace: Workspace, identities: dict[str, str], batch: dict[str, Any]
    ) -> tuple[str, bool]:
        attributes = dict(batch.get("user_attributes") or {})
        attributes.update(dict.fromkeys(batch.get("deleted_user_attributes") or []))
        person, created = self._people.put(
            workspace.id,
            identities,
            attributes=attributes,
            consent=batch.get("consent_state"),
            events=batch.get("events") or [],
        )
        return person.id, created

    def _load(self, row: Row) -> None:
        """A batch is written again when it is repeated; the place in the list is its number."""
        number = row.setdefault("number", len(self._batches))
        if number < len(self._batches):
            self._batches[number] = row
        else:
            self._batches.append(row)
        request_id = row["batch"].get("source_request_id")
        if request_id is not None:
            self._by_request[row["workspace"], str(request_id)] = number

    def _mark(self, number: int) -> None:
        row = self._batches[number]
        self._journal.mark(("batch", str(number)), lambda: {"batch": row})


def _error(status: int, code: str, message: str) -> Answer:
    return json_answer(status, {"errors": [{"code": code, "message": message}]})
