"""One phase of one import in this process, slice by slice as a worker does it; what it took is printed as JSON."""

import gc
import json
import os
import re
import sys
import time
from pathlib import Path
from uuid import UUID

import django


def peak_kib() -> int:
    """What this program held at most. Not `ru_maxrss`: that begins with what its parent held (Linux)."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("This system does not say how much memory a process held.")
    return int(found[1])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dsrportal.settings")
    django.setup()
    from cases.models import CaseImport
    from cases.models.intake.case_import import WORKING
    from cases.services.imports import work as import_work

    mine = CaseImport.objects.filter(pk=UUID(sys.argv[1]))
    state = mine.get().state
    gc.freeze()  # as dsrportal.worker does
    began, cpu = time.monotonic(), time.process_time()
    while state in WORKING and mine.get().state == state:
        import_work.work(mine.get().pk)
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - began,
                "cpu_seconds": time.process_time() - cpu,
                "peak_kib": peak_kib(),
            }
        )
    )
