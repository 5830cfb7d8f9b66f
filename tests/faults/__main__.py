"""`python -m tests.faults`: requests through everything that can go wrong, and the proof that none was lost or doubled.

The real `manage.py portal` beside a sandbox, both in a directory of their own. Of all calls a fifth go wrong in every
way the sandbox knows; callbacks come twice and out of order; workers are killed every few seconds, the queue store is
emptied and the database killed once each. Then the faults end, and everything has to settle by itself.

Exits with 1 and plain sentences where anything is not as it should be; the directory with all logs then stays.
"""

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.children import end_in_order
from tests.faults import processes
from tests.faults.portal import Portal, PortalFailed, own_environment
from tests.live import free_port
from tests.sandbox import Sandbox, SandboxFailed, running_sandbox

# An erasure's two weeks pass in 15 seconds, an access request's two days in some 2.
SPEED = 80_000
LATENCY_MS = 100
REPORT_INTERVAL_SECONDS = 4
# mParticle's own limit, enforced for real by the sandbox while the portal keeps to its share of it.
REQUESTS_PER_MINUTE = 1000
# A result is kept for seven days of real time: those of the sandbox are over in under eight seconds.
RESULT_SECONDS = 7 * 24 * 3600 * SPEED

SWITCHES: dict[str, Any] = {
    "callback_duplicates": 1,
    "callback_shuffle": True,
    "latency_ms": LATENCY_MS,
    "call_window": {"limit": REQUESTS_PER_MINUTE, "seconds": 60},
    "result_seconds": RESULT_SECONDS,
}


def run(directory: Path, options: argparse.Namespace) -> list[str]:
    """What is wrong, in sentences; empty where all is well."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(directory / "sandbox", "--speed", str(SPEED)))
        portal = Portal(directory)
        stack.callback(portal.stop)
        portal.start(free_port())
        import django

        django.setup()
        from django.db import connections

        stack.callback(connections.close_all)
        wrong = _play(portal, sandbox, options)
        wrong += [f"The web server said: {line}." for line in portal.server_errors()[:5]]
    left = processes.working_in(directory)
    return wrong + [f"A process was left behind: {line}." for line in left]


def _play(portal: Portal, sandbox: Sandbox, options: argparse.Namespace) -> list[str]:
    from tests.faults import asking, settling
    from tests.faults.chaos import Chaos, left_out, mixed_faults
    from tests.faults.checks import Findings

    opening = time.monotonic()
    sandbox.switches(**SWITCHES)
    asking.processor(sandbox)
    cases = asking.ready_cases(options.requests)
    said = [("cases opened and verified in", f"{time.monotonic() - opening:.0f} s")]
    began = time.monotonic()

    def tell(what: str) -> None:
        said.append((what, f"{time.monotonic() - began:.0f} s"))

    sandbox.faults(mixed_faults())
    chaos = Chaos(portal, seconds=options.chaos)
    chaos.start()
    try:
        for case in cases:
            asking.approve(case)
        tell("from then, all approved after")
        chaos.wait()
    finally:
        chaos.stop()
        sandbox.clear_faults()
    if options.chaos:
        sandbox.faults(left_out(sandbox))
    tell("faults ended after")
    left = settling.await_settled(portal, sandbox, until=began + options.seconds)
    tell("given up after" if left else "all settled after")

    findings = Findings(sandbox, expected=options.requests)
    findings.look(left)
    findings.show(said, chaos.damage, portal)
    return (chaos.damage.missing() if options.chaos else []) + findings.wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120, help="from the first approval to the last word")
    parser.add_argument(
        "--chaos",
        type=float,
        default=27,
        help="seconds for which things go wrong; 0: while cases are approved, and with none of our own processes",
    )
    options = parser.parse_args()
    end_in_order()
    directory = Path(tempfile.mkdtemp(prefix="portal-faults-"))
    directory.chmod(0o711)
    own_environment(directory, report_interval_seconds=REPORT_INTERVAL_SECONDS)
    wrong = ["It was interrupted."]
    try:
        wrong = run(directory, options)
    except (PortalFailed, SandboxFailed) as failed:
        wrong = [str(failed)]
    finally:
        if wrong:
            print(f"\nNOT as it should be; everything is in {directory}:", *wrong, sep="\n  ")
        else:
            shutil.rmtree(directory, ignore_errors=True)
            print("\nNothing lost, nothing doubled, nothing stuck.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
