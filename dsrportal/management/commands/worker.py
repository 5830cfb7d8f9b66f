"""`manage.py worker <queue>`: one worker on one queue."""

from typing import Any

import django_rq
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from dsrportal.crypto import verify_keyring


class Command(BaseCommand):
    help = "Work one queue until stopped; a first SIGTERM lets the job at hand finish."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", choices=sorted(settings.RQ_QUEUES))
        parser.add_argument("--burst", action="store_true", help="end when the queue is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until stopped. Raises CommandError where the queue store went away."""
        verify_keyring()
        worker = django_rq.get_worker(options["queue"])
        connections.close_all()
        worker.work(burst=options["burst"], logging_level="WARNING")
        if not options["burst"] and not worker._stop_requested and worker._shutdown_requested_date is None:
            raise CommandError("The worker ended by itself: the queue store went away.")
