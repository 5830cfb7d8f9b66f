"""The desk: declares and asks, never decides. One module a noun; importing them registers them."""

from cases.admin import (
    attention,
    audit,
    case,
    case_import,
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
    "case",
    "case_import",
    "certificate",
    "delivery",
    "jobs",
    "processor",
    "role",
    "task",
    "user",
]
