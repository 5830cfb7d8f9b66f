"""Greedy processes on one budget, for the budget test: `python -m tests.integrations.budget_workers`.

An order comes as JSON on standard input. Every second process sends new requests, the others ask about requests, all
as fast as the budget lets them until the time is over. Each writes a file: the instants the limiter gave, and whether
they were for a new request; and what else went wrong.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import django


def main() -> None:
    order = json.load(sys.stdin)
    django.setup()
    children = []
    for number in range(order["processes"]):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                result = json.dumps(_work(order, sends=number % 2 == 0))
                Path(order["directory"], f"{number}.json").write_text(result)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))


def _work(order: dict[str, Any], *, sends: bool) -> dict[str, Any]:
    from integrations import ratelimit
    from integrations.account import Account
    from integrations.errors import IntegrationError, RateLimited, UnknownRequest
    from integrations.models import Processor
    from integrations.registry import connector_for
    from tests.builders import about

    slots: list[tuple[int, bool]] = []
    take = ratelimit.take

    def noted(processor: Account, *, new_request: bool = False, api: str = "requests") -> int:
        """The instants are part of no answer: they are written down where the limiter gives them."""
        slots.append((take(processor, new_request=new_request, api=api), new_request))
        return slots[-1][0]

    ratelimit.take = noted
    connector = connector_for(Processor(**order["processor"]))
    wrong = []
    stop_at = time.monotonic() + order["seconds"]
    while time.monotonic() < stop_at:
        try:
            if sends:
                connector.submit(_request())
            else:
                connector.report(about(uuid4()))
        except UnknownRequest:
            pass
        except IntegrationError as error:
            if not isinstance(error, RateLimited) or error.scope != "portal":
                wrong.append(f"{type(error).__name__}: {error}")
    return {"slots": slots, "wrong": wrong}


def _request() -> Any:
    from integrations.types import Identity, Submission

    return Submission(
        request_id=uuid4(),
        request_type="erasure",
        regulation="gdpr",
        submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        identities=(Identity("email", f"{uuid4()}@example.com"),),
        skip_waiting_period=False,
        group_id="",
        callback_url="",
    )


if __name__ == "__main__":
    main()
