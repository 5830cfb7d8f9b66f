"""Moves requests through their lifecycle and callbacks through batches, in the order of virtual time."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

from integrations.sandbox.callbacks import Courier, Delivery
from integrations.sandbox.clock import Clock, stated_now
from integrations.sandbox.mparticle.bodies import callback_body
from integrations.sandbox.mparticle.lifecycle import next_batch, retry_after
from integrations.sandbox.mparticle.store import Key, Queued, Store, SubjectRequest
from integrations.sandbox.people import People
from integrations.sandbox.switches import Switchboard

Kind = Literal["forward", "start", "end", "callback"]
Settled = Callable[[Delivery], None]
_ORDER: dict[Kind, int] = {"forward": 0, "start": 1, "end": 2, "callback": 3}


class Engine:
    """A heap of what is due. Two hands turn it: a ticker when time runs by itself, and `advance`."""

    def __init__(
        self,
        *,
        store: Store,
        people: People,
        clock: Clock,
        board: Switchboard,
        courier: Courier,
        base_url: str,
    ) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._board = board
        self._courier = courier
        self._base_url = base_url
        self._changed = threading.Condition()
        self._turn = threading.Lock()
        self._heap: list[tuple[float, int, int, Kind, Key, Queued | None]] = []
        self._numbers = itertools.count()
        self._generation = 0
        self._chance = random.Random()  # noqa: S311 (an order of delivery, not a secret)
        self.deliveries: deque[Delivery] = deque(maxlen=50_000)

    def start(self) -> None:
        """Take up what a journal of an earlier run left open, and let time run."""
        for request in list(self._store.requests.values()):
            self._plan(request)
            for queued in request.unsent:
                self._put(queued.due, "callback", request.key, queued)
        threading.Thread(target=self._tick, name="ticker", daemon=True).start()

    def opened(self, request: SubjectRequest) -> None:
        """A request was accepted: plan its course and announce it. The caller holds the store's lock."""
        self._note(request, "pending", request.opened_at)
        self._plan(request)

    def cancelled(self, request: SubjectRequest) -> None:
        """The caller holds the store's lock and has seen that the request is pending."""
        self._note(request, "cancelled", self._clock.now())

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Let `seconds` of virtual time pass at once; comes back when every callback due was attempted."""
        with self._turn:
            attempted = self._courier.under_way()
            for delivery in attempted:
                delivery.done.wait()
            target = self._clock.now() + seconds
            while True:
                due = self._run_until(target)
                if not due:
                    break
                attempted.extend(self._send(due, wait=True))
            self._clock.reach(target)
        self._wake()
        return [delivery.as_dict() for delivery in attempted]

    def reset(self) -> None:
        with self._turn:
            self._store.journal.clear()
            with self._store.lock, self._changed:
                self._generation += 1
                self._heap.clear()
                self.deliveries.clear()
                self._clock.restart_at(0.0)

    def _tick(self) -> None:
        while True:
            with self._changed:
                pause = self._pause()
                if pause is None or pause > 0:
                    self._changed.wait(pause)
                    continue
            with self._turn:
                self._send(self._run_until(self._clock.now()), wait=False)

    def _pause(self) -> float | None:
        """Real seconds until something is due; None: not before somebody tells us."""
        if not self._heap:
            return None
        ahead = self._heap[0][0] - self._clock.now()
        if ahead <= 0:
            return 0
        return ahead / self._clock.speed if self._clock.speed else None

    def _run_until(self, target: float) -> list[tuple[float, SubjectRequest, Queued]]:
        """Work off what is due up to `target`, up to and including the first moment with callbacks.

        With `callback_shuffle` it goes on to `target` and hands back all callbacks out of order, so that even
        the callbacks of one request overtake one another.
        """
        batch: list[tuple[float, SubjectRequest, Queued]] = []
        shuffle = self._board.now.callback_shuffle
        while True:
            with self._changed:
                if not self._heap or self._heap[0][0] > target:
                    break
                if batch and not shuffle and self._heap[0][0] > batch[0][0]:
                    break
                due, _, _, kind, key, queued = heapq.heappop(self._heap)
            self._clock.reach(due)
            with self._store.lock:
                request = self._store.requests.get(key)
                if request is None:
                    continue
                if queued is not None:
                    batch.append((due, request, queued))
                else:
                    self._move(request, kind, due)
        if shuffle and len(batch) > 1:
            in_order = list(batch)
            while batch == in_order:
                self._chance.shuffle(batch)
        return batch

    def _move(self, request: SubjectRequest, kind: Kind, at: float) -> None:
        if kind == "forward":
            request.forwarded = True
            self._store.changed(request)
        elif kind == "start" and request.status == "pending" and self._board.now.uses_in_progress:
            self._note(request, "in_progress", at)
        elif kind == "end" and request.status in ("pending", "in_progress"):
            request.completed_at = at
            self._work(request)
            self._note(request, "completed", at)

    def _work(self, request: SubjectRequest) -> None:
        """What a request is for: the person is gone, or what is held about them lies ready."""
        if request.type == "erasure":
            self._people.erase(request.workspace, request.all_identities)
            return
        person = self._people.who(request.workspace, request.all_identities)
        request.found = None if person is None else asdict(person)

    def _note(self, request: SubjectRequest, status: str, at: float) -> None:
        """The one place a status changes."""
        request.status = status
        request.history.append({"status": status, "at": at, "time": stated_now()})
        switches = self._board.now
        if switches.callbacks:
            for url in request.callback_urls:
                due = next_batch(at, switches.callback_batch_seconds)
                queued = Queued(url=url, status=status, forwarded=request.forwarded, due=due)
                request.unsent.append(queued)
                self._put(due, "callback", request.key, queued)
        self._store.changed(request)

    def _plan(self, request: SubjectRequest) -> None:
        if request.type == "erasure" and not request.forwarded:
            self._put(request.forwards_at, "forward", request.key)
        if request.status == "pending":
            self._put(request.starts_at, "start", request.key)
        if request.status in ("pending", "in_progress"):
            self._put(request.ends_at, "end", request.key)

    def _put(self, due: float, kind: Kind, key: Key, queued: Queued | None = None) -> None:
        with self._changed:
            entry = (due, _ORDER[kind], next(self._numbers), kind, key, queued)
            heapq.heappush(self._heap, entry)
            if self._heap[0] is entry:
                self._changed.notify()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _send(self, batch: list[tuple[float, SubjectRequest, Queued]], *, wait: bool) -> list[Delivery]:
        switches = self._board.now
        sent: list[Delivery] = []
        for due, request, queued in batch:
            body = callback_body(request, queued, switches=switches, base_url=self._base_url)
            for copy in range(1 + switches.callback_duplicates):
                sent.append(
                    Delivery(
                        url=queued.url,
                        body=body,
                        sign=switches.callback_signature,
                        certificate=switches.certificate,
                        chunked=switches.chunked,
                        workspace=request.workspace,
                        request_id=request.id,
                        request_status=queued.status,
                        attempt=queued.attempt,
                        at=due,
                        generation=self._generation,
                        on_done=self._settle(request, queued, may_retry=copy == 0),
                    )
                )
        for delivery in sent:
            self._courier.post(delivery)
        if wait:
            for delivery in sent:
                delivery.done.wait()
        return sent

    def _settle(self, request: SubjectRequest, queued: Queued, *, may_retry: bool) -> Settled:
        """What happens after an attempt: remember it, and try again later where the policy says so."""

        def settle(delivery: Delivery) -> None:
            with self._store.lock:
                if delivery.generation != self._generation:
                    return
                self.deliveries.append(delivery)
                if not may_retry:
                    return
                refused = delivery.error is not None and delivery.error.startswith("refused")
                if delivery.taken or refused or queued.attempt > self._board.now.callback_retries:
                    request.unsent = [other for other in request.unsent if other is not queued]
                else:
                    queued.due = delivery.at + retry_after(queued.attempt)
                    queued.attempt += 1
                    self._put(queued.due, "callback", request.key, queued)
                self._store.changed(request)

        return settle
