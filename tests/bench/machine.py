"""The machine at hand in a line: a figure means nothing without it."""

import os
import platform
import re
import time
from pathlib import Path
from statistics import median

from django.db import connection


def in_words(directory: Path) -> str:
    """Processors, memory, what making one small write durable in that directory costs, how many processes wanted to
    run in the five minutes before, and versions."""
    _minute, load, _quarter = os.getloadavg()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
    return (
        f"{os.cpu_count()} × {_processor()}, {memory_gib:.0f} GiB, fsync {_sync_us(directory):.0f} µs, "
        f"Python {platform.python_version()}, PostgreSQL {postgres}, load {load:.1f}"
    )


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()


def _sync_us(directory: Path) -> float:
    """The median of 200 writes: every commit pays it."""
    took = []
    with (directory / "sync").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 512)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took) * 1e6
