"""The sandbox's own API under /_sandbox, for tests and demonstrations; a real vendor has nothing like it."""

from __future__ import annotations

import json
from typing import Any

from integrations.sandbox.accounts import Accounts
from integrations.sandbox.asked import Asked
from integrations.sandbox.authority import Authority
from integrations.sandbox.callbacks import Courier, Delivery
from integrations.sandbox.clock import Clock
from integrations.sandbox.crowd import BadPerson, Crowd
from integrations.sandbox.faults import BadFault, Faults
from integrations.sandbox.messages import Answer, Call, dump, json_answer
from integrations.sandbox.mparticle.engine import Engine
from integrations.sandbox.mparticle.events import Events
from integrations.sandbox.mparticle.opendsr import OpenDsr
from integrations.sandbox.mparticle.platform import Platform
from integrations.sandbox.mparticle.store import Store, SubjectRequest
from integrations.sandbox.people import People
from integrations.sandbox.switches import BadSwitch, Switchboard

PREFIX = "/_sandbox/"


class Refused(ValueError):
    """An order that makes no sense, in a sentence."""


class Control:
    def __init__(
        self,
        *,
        store: Store,
        people: People,
        accounts: Accounts,
        engine: Engine,
        clock: Clock,
        board: Switchboard,
        faults: Faults,
        authority: Authority,
        courier: Courier,
        opendsr: OpenDsr,
        events: Events,
        platform: Platform,
        asked: Asked,
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._board = board
        self._faults = faults
        self._authority = authority
        self._courier = courier
        self._opendsr = opendsr
        self._events = events
        self._platform = platform
        self._asked = asked
        self._crowd = Crowd(people, accounts)
        self._verbs = {
            ("GET", "switches"): lambda call: self._board.as_dict(),
            ("POST", "switches"): self._switch,
            ("GET", "faults"): lambda call: self._faults.waiting(),
            ("POST", "faults"): self._order_faults,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "advance"): self._advance,
            ("GET", "state"): self._state,
            ("POST", "reset"): self._reset,
            ("POST", "callbacks"): self._callback,
            ("GET", "people"): self._known_people,
            ("POST", "people"): lambda call: {"id": self._crowd.put(_body(call))},
        }

    def answer(self, call: Call) -> Answer:
        name = call.path.removeprefix(PREFIX).rstrip("/")
        verb = self._verbs.get((call.method, name))
        if verb is None:
            return json_answer(404, {"message": "There is nothing here."})
        try:
            answer = json_answer(200, verb(call))
        except (BadSwitch, BadFault, BadPerson, Refused) as refusal:
            answer = json_answer(400, {"message": str(refusal)})
        answer.route = PREFIX + name
        return answer

    def _switch(self, call: Call) -> Any:
        changes = _body(call)
        if not isinstance(changes, dict):
            raise Refused("An object of switches is expected.")
        self._board.merge(changes)
        if changes.get("certificate") == "rotated":
            self._authority.rotate()
        return self._board.as_dict()

    def _order_faults(self, call: Call) -> Any:
        self._faults.order(_body(call))
        return self._faults.waiting()

    def _clear_faults(self, call: Call) -> Any:
        self._faults.clear()
        return []

    def _advance(self, call: Call) -> Any:
        body = _body(call)
        seconds = body.get("seconds") if isinstance(body, dict) else None
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
            raise Refused("seconds is a number that is not negative.")
        deliveries = self._engine.advance(seconds)
        return {"now": self._clock.now(), "deliveries": deliveries}

    def _reset(self, call: Call) -> Any:
        self._board.reset()
        self._faults.reset()
        self._opendsr.meter.reset()
        self._platform.forget()
        self._asked.clear()
        self._engine.reset()
        return {}

    def _known_people(self, call: Call) -> Any:
        """The people, the batches about them, and what the parts beside OpenDSR were asked."""
        return {
            "people": self._crowd.rows(),
            "batches": self._events.batches(),
            "asked": self._asked.rows(),
        }

    def _state(self, call: Call) -> Any:
        """Everything, or with `?id=` what concerns one request."""
        only = call.query.get("id")
        with self._store.lock:
            now = self._clock.now()
            requests = [
                self._row(request, now)
                for request in self._store.requests.values()
                if only in (None, request.id)
            ]
            posts = {key: count for key, count in self._store.posts.items() if only in (None, key)}
            calls = dict(self._store.calls)
            callbacks = [
                delivery.as_dict()
                for delivery in self._engine.deliveries
                if only in (None, delivery.request_id)
            ]
        return {
            "now": now,
            "speed": self._clock.speed,
            "requests": requests,
            "posts": posts,
            "calls": calls,
            "callbacks": callbacks,
            "faults": self._faults.waiting(),
            "struck": list(self._faults.struck),
            "struck_counts": dict(self._faults.counts),
            "switches": self._board.as_dict(),
        }

    def _row(self, request: SubjectRequest, now: float) -> dict[str, Any]:
        return {
            "id": request.id,
            "workspace": request.workspace,
            "type": request.type,
            "regulation": request.regulation,
            "group_id": request.group_id,
            "status": request.status,
            "history": list(request.history),
            "posts": self._store.posts[request.id],
            "submitted_time": request.submitted_time,
            "received_time": request.received_time,
            "skip_waiting_period": request.skip_waiting_period,
            "callback_urls": list(request.callback_urls),
            "callbacks_waiting": len(request.unsent),
            "identities": {**request.identities, **request.extension_identities},
        }

    def _callback(self, call: Call) -> Any:
        """Send one crafted callback now and say how it was answered."""
        order = _body(call)
        if not isinstance(order, dict) or not isinstance(order.get("url"), str):
            raise Refused("An object with a url is expected.")
        sign = order.get("sign", "good")
        if sign not in ("good", "tampered", "pss", "other_key", "missing"):
            raise Refused(f"There is no way to sign {sign!r}.")
        headers = order.get("headers") or {}
        if not isinstance(headers, dict):
            raise Refused("headers is an object; a null removes a header.")
        given = order.get("body", {})
        delivery = Delivery(
            url=order["url"],
            body=given.encode() if isinstance(given, str) else dump(given),
            sign=sign,
            certificate=self._board.now.certificate,
            chunked=bool(order.get("chunked", self._board.now.chunked)),
            extra_headers=headers,
        )
        self._courier.post(delivery)
        delivery.done.wait()
        return delivery.as_dict()


def _body(call: Call) -> Any:
    """A page elsewhere cannot send this content type unasked, so it cannot throw our switches."""
    if not call.headers.get("content-type", "").lower().startswith("application/json"):
        raise Refused("The content type is not application/json.")
    try:
        return json.loads(call.body or b"{}")
    except ValueError:
        raise Refused("The body is not valid JSON.") from None
