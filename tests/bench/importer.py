"""One phase of one import in this process, slice by slice as a worker does it; what it took is printed as JSON."""

import json
import os
import resource
import sys
import time
from uuid import UUID

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dsrportal.settings")
    django.setup()
    from cases.models import CaseImport
    from cases.models.case_import import WORKING
    from cases.services import importing

    mine = CaseImport.objects.filter(pk=UUID(sys.argv[1]))
    state = mine.get().state
    began, cpu = time.monotonic(), time.process_time()
    while state in WORKING and mine.get().state == state:
        importing.work(mine.get().pk)
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - began,
                "cpu_seconds": time.process_time() - cpu,
                "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            }
        )
    )
