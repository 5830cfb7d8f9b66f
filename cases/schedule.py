"""What runs when: name, job and interval in seconds."""

ENTRIES: list[tuple[str, str, int]] = [
    ("sweep", "cases.jobs.sweep", 15),
    ("reports", "cases.jobs.reports", 300),
]
