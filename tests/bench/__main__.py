"""`python -m tests.bench`: how fast callbacks are taken and requests are sent, on durable servers of its own.

Rounds are interleaved and what is printed are medians, because the machine may have other work.
"""

import argparse
import base64
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from dsrportal.embedded import Servers
from tests.bench.load import Landed

RATIO_GOAL, DRAIN_GOAL = 0.6, 100


@contextmanager
def own_portal() -> Iterator[Path]:
    """A migrated portal in a directory of its own; nothing of the developer's is read or touched."""
    directory = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    directory.chmod(0o711)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "dsrportal.settings",
        "PORTAL_ENV_FILE": os.devnull,
        "PORTAL_DATA_DIR": str(directory),
        "PORTAL_MASTER_KEYS": "bench1:" + base64.b64encode(os.urandom(32)).decode(),
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    try:
        with Servers(directory, durable=True):
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0, interactive=False)
            yield directory
    finally:
        from django.db import connections

        connections.close_all()
        shutil.rmtree(directory, ignore_errors=True)


def run(directory: Path, options: argparse.Namespace) -> None:
    from tests.bench import callbacks, draining
    from tests.sandbox import running_sandbox

    # One round more than is counted: it fills caches and opens connections.
    rounds = range(options.rounds + 1)
    endpoint: list[Landed] = []
    bare: list[Landed] = []
    drained: list[float] = []
    with ExitStack() as stack:
        lanes = draining.Lanes(directory, stack.enter_context(running_sandbox(directory / "sandbox")))
        target = callbacks.Target(directory)
        stack.enter_context(lanes.working())
        stack.enter_context(target.served())
        for number in rounds:
            if options.only != "drain":
                ours, theirs = target.volleys(options.callbacks)
                turns = [(ours, endpoint), (theirs, bare)]
                for posts, landed in turns if number % 2 else reversed(turns):
                    landed.append(target.fire(posts))
            if options.only != "callbacks":
                drained.append(lanes.drain(options.requests))
        if options.only != "drain":
            callbacks.verify(options.callbacks * len(rounds))
    _show(directory, endpoint[1:], bare[1:], drained[1:])


def _show(directory: Path, endpoint: list[Landed], bare: list[Landed], drained: list[float]) -> None:
    rounds = max(len(endpoint), len(drained))
    print(f"{rounds} rounds, medians; {os.cpu_count()} CPUs, fsync on ({_sync_us(directory):.0f} µs)\n")
    if endpoint:
        print(f"{'':26}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}")
        for name, landed in (("callback endpoint", endpoint), ("bare Django view", bare)):
            figures = [median(getattr(each, of) for each in landed) for of in ("rate", "p50_ms", "p95_ms")]
            print(f"{name:26}{figures[0]:>10.0f}{figures[1]:>9.1f}{figures[2]:>9.1f}")
        ratio = median(one.rate / other.rate for one, other in zip(endpoint, bare, strict=True))
        print(f"{'endpoint to bare view':26}{ratio:>10.2f}  goal {RATIO_GOAL}: {_met(ratio >= RATIO_GOAL)}")
    if drained:
        rate = median(drained)
        print(f"{'requests drained':26}{rate:>10.0f}  goal {DRAIN_GOAL}: {_met(rate >= DRAIN_GOAL)}")


def _met(goal: bool) -> str:
    return "met" if goal else "NOT met"


def _sync_us(directory: Path) -> float:
    """What making one small write durable costs here: every commit pays it."""
    took = []
    with (directory / "sync").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 512)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--callbacks", type=int, default=500, help="of each kind, in a round")
    parser.add_argument("--requests", type=int, default=500, help="drained in a round")
    parser.add_argument("--only", choices=("callbacks", "drain"))
    with own_portal() as directory:
        run(directory, parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
