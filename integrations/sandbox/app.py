"""Routes a call to its part of the sandbox, and applies network faults to the answer."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from typing import Protocol

from integrations.sandbox.control import PREFIX, Control
from integrations.sandbox.faults import Faults, spoil
from integrations.sandbox.leanplum import Leanplum
from integrations.sandbox.messages import Answer, Call, json_answer
from integrations.sandbox.mparticle.opendsr import CERTIFICATE_PATH, OpenDsr
from integrations.sandbox.mparticle.store import Store
from integrations.sandbox.page import Page
from integrations.sandbox.switches import Switchboard

_OUR_HOSTS = ("localhost", "127.0.0.1")


class Part(Protocol):
    """One of the vendors' APIs."""

    def answers(self, path: str) -> bool: ...

    def answer(self, call: Call) -> Answer: ...


class App:
    def __init__(
        self,
        *,
        store: Store,
        board: Switchboard,
        faults: Faults,
        control: Control,
        opendsr: OpenDsr,
        leanplum: Leanplum,
        others: Sequence[Part],
        page: Page,
    ) -> None:
        self._store = store
        self._board = board
        self._faults = faults
        self._control = control
        self._opendsr = opendsr
        self._leanplum = leanplum
        self._parts: tuple[Part, ...] = (opendsr, leanplum, *others)
        self._page = page

    def handle(self, call: Call) -> Answer:
        # A foreign name that resolves to this machine must not reach the control API from a browser.
        if call.headers.get("host", "").rpartition(":")[0] not in _OUR_HOSTS:
            return json_answer(421, {"message": "This is localhost."})
        try:
            if call.path in ("/", "/_sandbox/page.css") and call.method == "GET":
                return self._page.answer(call)
            if call.path.startswith(PREFIX):
                return self._control.answer(call)
            return self._outside(call)
        except Exception as error:  # only its type and place are logged: its text may hold an identity
            frames = traceback.extract_tb(error.__traceback__)
            where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
            sys.stderr.write(f"{type(error).__name__} at {where}\n")
            return json_answer(500, {"message": "The sandbox itself failed."})

    def _outside(self, call: Call) -> Answer:
        """What the product sees as its vendors: subject to latency and faults, and counted."""
        with self._leanplum.one_at_a_time(call) as refusal:
            answer = refusal or self._through_the_network(call)
        with self._store.lock:
            self._store.calls[f"{call.method} {answer.route} {answer.status or 'reset'}"] += 1
        return answer

    def _through_the_network(self, call: Call) -> Answer:
        if self._board.now.latency_ms:
            time.sleep(self._board.now.latency_ms / 1000)
        fault = self._faults.strike(call, called=self._leanplum.called(call))
        if fault is None:
            return self._work(call)
        if fault.fault == "slow":
            time.sleep(fault.seconds)
            return self._work(call)
        worked = self._work(call) if fault.after else None
        answer = spoil(fault, worked)
        if worked is not None:
            answer.route = worked.route
        return answer

    def _work(self, call: Call) -> Answer:
        if call.path == CERTIFICATE_PATH and call.method == "GET":
            return self._opendsr.certificate()
        for part in self._parts:
            if part.answers(call.path):
                return part.answer(call)
        return json_answer(404, {"message": "There is nothing here."})
