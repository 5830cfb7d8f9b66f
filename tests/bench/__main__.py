"""`python -m tests.bench`: how fast the portal is, on durable servers of its own, and whether that is fast enough.

Each bench is a module of its name, whose `measure` gives figures. Where two things are compared their rounds are
interleaved, and what is printed are medians, because the machine may have other work.
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
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from statistics import median

from dsrportal.serve.embedded import Servers

# In this order, for all of them share a database: the one that fills it comes last.
BENCHES = ("callbacks", "burst", "drain", "saturation", "recovery", "faults", "reconciliation", "imports")


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
    rounds, part = (1, 0.1) if options.quick else (options.rounds, 1.0)
    print(f"{os.cpu_count()} CPUs, fsync on ({_sync_us(directory):.0f} µs)")
    if options.quick:
        print("A quick run: it shows that the benches work, not how fast the portal is.")
    for name in [options.only] if options.only else BENCHES:
        bench = import_module(f"tests.bench.{name}")
        print(f"\n{name}", flush=True)
        for figure in bench.measure(directory, rounds=rounds, part=part):
            print(f"  {figure}", flush=True)


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
    parser.add_argument("--only", choices=BENCHES)
    parser.add_argument("--rounds", type=int, default=9, help="of what is compared")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it works")
    options = parser.parse_args()
    with own_portal() as directory:
        run(directory, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
