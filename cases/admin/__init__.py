"""The desk: declares and asks, never decides. One module a noun; importing them registers them."""

from cases.admin import (
    attention,
    audit,
    bulk_run,
    case,
    certificate,
    delivery,
    jobs,
    processor,
    role,
    task,
    user,
)

__all__ = [
    "attention",
    "audit",
    "bulk_run",
    "case",
    "certificate",
    "delivery",
    "jobs",
    "processor",
    "role",
    "task",
    "user",
]
