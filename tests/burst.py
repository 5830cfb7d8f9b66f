"""`python -m tests.burst`: reads names of queues, and has each worked until it is empty; answers how that ended.

Each worker is the portal's own command in a process of its own, forked from here: none has to load the portal anew.
"""

import os
import sys

import django
from django.core.management import call_command
from django.urls import get_resolver


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is said there is for whoever asked
            call_command("worker", line.strip(), burst=True)
            return
        _pid, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dsrportal.settings")
    django.setup()
    assert get_resolver().url_patterns
    serve()
