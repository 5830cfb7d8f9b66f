"""Sixteen processes, one budget, three windows: our share is kept in each, and the vendor has nothing to refuse."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from integrations import budget, limits
from integrations.models import Processor
from integrations.mparticle.connector import LIMITS
from tests.integrations.windows import fullest
from tests.sandbox import Sandbox, running_sandbox

PROCESSES, SECONDS, SHARE = 16, 15, 80
# As 60 s, 8 h and 24 h are, so are 1 s, 4 s and 12 s. What is left of each limit beside our share is more than all
# processes can have on the way at once, so that no delay of theirs, however long, can make the vendor refuse.
TEXT = "100 calls in 1 s\n130 new requests in 4 s\n280 new requests in 12 s"


def fields(sandbox: Sandbox) -> dict[str, Any]:
    workspace = sandbox.workspaces[0]
    return {
        "id": str(uuid4()),
        "data_key_id": str(uuid4()),
        "kind": "mparticle",
        "name": "Shared",
        "account": workspace["id"],
        "credentials": {"workspace_key": workspace["key"], "workspace_secret": workspace["secret"]},
        "base_url": f"{sandbox.url}/v3",
        "extra_tls_roots": sandbox.root_pem,
        "limits": TEXT,
        "budget_share": SHARE,
    }


def test_sixteen_processes_keep_every_window_at_once(tmp_path: Path) -> None:
    allowed = limits.read(TEXT, otherwise=LIMITS)
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        sandbox.switches(
            callbacks=False,
            call_window={"limit": allowed.calls.count, "seconds": allowed.calls.seconds},
            new_request_windows=[
                {"limit": limit.count, "seconds": limit.seconds} for limit in allowed.new_requests
            ],
        )
        processor = fields(sandbox)
        budget.rebuild(Processor(**processor), [])
        order = {
            "processes": PROCESSES,
            "seconds": SECONDS,
            "directory": str(tmp_path),
            "processor": processor,
        }
        subprocess.run(
            [sys.executable, "-m", "tests.integrations.budget_workers"],
            input=json.dumps(order),
            text=True,
            check=True,
        )
        answers = sandbox.state()["calls"]
    results = [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(PROCESSES)]
    assert [result["wrong"] for result in results] == [[]] * PROCESSES
    assert all(result["slots"] for result in results)
    calls = sorted(slot for result in results for slot, _ in result["slots"])
    new = sorted(slot for result in results for slot, is_new in result["slots"] if is_new)

    # What the limiter gave is what arrived, and nothing of it was refused.
    assert answers["POST /v3/requests 201"] == len(new)
    assert sum(answers.values()) == len(calls)
    assert not any(name.endswith(" 429") for name in answers)

    windows = [(calls, allowed.calls), *((new, limit) for limit in allowed.new_requests)]
    held = [fullest(slots, limit.seconds) for slots, limit in windows]
    shares = [limit.count * SHARE // 100 for _, limit in windows]
    print(f"{len(calls)} calls, {len(new)} new requests; fullest windows {held} of {shares}")
    assert all(count <= share for count, share in zip(held, shares, strict=True))
    # And every window was put to the test.
    assert all(count > share * 0.8 for count, share in zip(held, shares, strict=True))
