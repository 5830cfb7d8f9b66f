"""`manage.py schedule`: what runs when. See dsrportal/scheduler.py."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from dsrportal.scheduler import Timetable


class Command(BaseCommand):
    help = "Wake what is due, until stopped. Several may run: one works, the others wait to take over."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Timetable().run(stop)
