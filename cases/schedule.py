"""The schedule: name, job and interval in seconds."""

from django.conf import settings

ENTRIES: list[tuple[str, str, int]] = [
    ("sweep", "cases.jobs.sweep", 10),
    # Each completion knocks by itself; this is for knocks that were lost, and for what could not be asked.
    ("confirmations", "cases.jobs.confirmations", 300),
    # Confirmation links that were not sent yet, and those that nobody used in time.
    ("links", "cases.jobs.links", 20),
    ("purge", "cases.jobs.purge", 3600),
    # Often enough that nothing is asked for much later than it is due.
    ("reports", "cases.jobs.reports", max(1, min(60, settings.REPORT_INTERVAL_SECONDS // 4))),
]
