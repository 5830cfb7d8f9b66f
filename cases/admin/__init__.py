"""The desk: declares and asks, never decides. One module a noun; importing them registers them."""

from cases.admin import (
    attention,
    audit,
    bulk_run,
    case,
    case_import,
    certificate,
    delivery,
    intake_source,
    jobs,
    mention,
    processor,
    role,
    task,
    user,
    verification_rule,
)

__all__ = [
    "attention",
    "audit",
    "bulk_run",
    "case",
    "case_import",
    "certificate",
    "delivery",
    "intake_source",
    "jobs",
    "mention",
    "processor",
    "role",
    "task",
    "user",
    "verification_rule",
]
