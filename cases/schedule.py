"""What runs when: name, job and interval in seconds."""

ENTRIES: list[tuple[str, str, int]] = [
    ("sweep", "cases.jobs.sweep", 15),
    ("purge", "cases.jobs.purge", 3600),
    ("reports", "cases.jobs.reports", 300),
]
