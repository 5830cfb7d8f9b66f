"""Network faults on order: so many times, or with a probability."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

from integrations.sandbox.clock import stated_now
from integrations.sandbox.messages import HTML_TYPE, Answer, Call, json_answer

KINDS = (
    "reset_before", "reset_after", "status_429", "status_429_no_retry_after", "status_500", "status_502",
    "status_504", "slow", "malformed", "truncated", "html", "empty",
)  # fmt: skip

# These happen on the way back, when the call has already been worked.
AFTER = frozenset({"reset_after", "malformed", "truncated", "empty"})

_PROXY_PAGE = (
    b"<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Proxy error</h1></body></html>"
)


class BadFault(ValueError):
    """An order that cannot be understood."""


@dataclass(slots=True)
class Fault:
    """In a `path` a `*` stands for anything; a trailing slash is ignored. `times` None: until cleared.

    A path may also name a call as the sandbox counts it: "/leanplum/api deleteUser" is one method of that address.

    `process` lets a `status_…` or `html` fault happen after the call was worked, as a gateway's timeout may.
    """

    fault: str
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    probability: float | None = None
    seconds: float = 5.0
    process: bool = False

    def fits(self, call: Call, *, called: str) -> bool:
        if self.times == 0 or (self.method is not None and self.method != call.method):
            return False
        if self.path is None:
            return True
        pattern = ".*".join(map(re.escape, self.path.rstrip("/").split("*"))) + "/*"
        return any(re.fullmatch(pattern, path, re.DOTALL) for path in (call.path, called))

    @property
    def after(self) -> bool:
        return self.fault in AFTER or (self.process and self.fault != "reset_before")


class Faults:
    """The orders not yet used up, the last hundred that struck, and how often each kind did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []
        self._chance = random.Random()  # noqa: S311 (chance, not a secret)
        self.struck: deque[dict[str, str]] = deque(maxlen=100)
        self.counts: Counter[str] = Counter()

    def order(self, rows: Any) -> None:
        """Raises BadFault with a sentence; then nothing was ordered."""
        if not isinstance(rows, list):
            raise BadFault("A list of faults is expected.")
        orders = [_parse(row) for row in rows]
        with self._lock:
            self._orders.extend(orders)

    def clear(self) -> None:
        with self._lock:
            self._orders.clear()

    def reset(self) -> None:
        with self._lock:
            self._orders.clear()
            self.struck.clear()
            self.counts.clear()

    def waiting(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(order) for order in self._orders]

    def strike(self, call: Call, *, called: str) -> Fault | None:
        """The first order that fits this call, which is counted as `called`; the order is counted down."""
        if not self._orders:
            return None
        with self._lock:
            for order in self._orders:
                if not order.fits(call, called=called):
                    continue
                if order.probability is not None and self._chance.random() >= order.probability:
                    continue
                if order.times is not None:
                    order.times -= 1
                self._orders = [other for other in self._orders if other.times != 0]
                self.counts[order.fault] += 1
                self.struck.append(
                    {"time": stated_now(), "method": call.method, "path": call.path, "fault": order.fault}
                )
                return order
        return None


def spoil(fault: Fault, answer: Answer | None) -> Answer:
    """The answer a client sees; `answer` is the true one where the call was worked."""
    kind = fault.fault
    if kind in ("reset_before", "reset_after"):
        return Answer(status=0, wire="reset")
    if kind == "html":
        return Answer(status=200, body=_PROXY_PAGE, content_type=HTML_TYPE)
    if kind.startswith("status_"):
        status = int(kind.split("_")[1])
        if status != 429:
            return Answer(status=status, body=_PROXY_PAGE, content_type=HTML_TYPE)
        body = {"code": 429, "message": "Too many requests.", "errors": []}
        refused = json_answer(429, body)
        refused.headers["X-mp-rate-limit-exceeded"] = "workspace"
        if kind == "status_429":
            refused.headers["Retry-After"] = "1"
        return refused
    if answer is None:
        return Answer(status=500)
    if kind == "empty":
        answer.body = b""
    elif kind == "malformed":
        answer.body = answer.body[: max(1, len(answer.body) // 2)]
    elif kind == "truncated":
        answer.wire = "truncated"
    return answer


def _parse(row: Any) -> Fault:
    if not isinstance(row, dict):
        raise BadFault("A fault is an object.")
    strange = set(row) - {"method", "path", "fault", "times", "probability", "seconds", "process"}
    if strange:
        raise BadFault(f"A fault has no {', '.join(sorted(strange))}.")
    if row.get("fault") not in KINDS:
        raise BadFault(f"There is no fault {row.get('fault')!r}.")
    times = row.get("times", 1)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise BadFault("times is a whole number from 1, or null for always.")
    probability = row.get("probability")
    if probability is not None and not (isinstance(probability, int | float) and 0 <= probability <= 1):
        raise BadFault("probability is between 0 and 1, or null.")
    if not isinstance(row.get("seconds", 5.0), int | float) or not isinstance(
        row.get("process", False), bool
    ):
        raise BadFault("seconds is a number and process is true or false.")
    for name in ("method", "path"):
        if not isinstance(row.get(name), str | None):
            raise BadFault(f"{name} is a text or null.")
    return Fault(**{"times": 1, **row})
