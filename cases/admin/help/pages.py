"""The pages of the manual: their titles, by task and by role, and what to read next.

The text of a page is `templates/portal/help/<language>/<name>.html`.
"""

from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Name -> title.
PAGES: Final[dict[str, str | Promise]] = {
    "start": _("How a case runs"),
    "roles": _("Who may do what"),
    "settings": _("Your own settings"),
    "board": _("The home page"),
    "attention": _("Attention and mentions"),
    "list": _("The list of cases"),
    "opening": _("Open a case"),
    "verifying": _("Verify requester"),
    "case": _("The page of a case"),
    "together": _("Work on a case together"),
    "approving": _("Approve or deny a case"),
    "closing": _("Review the responses and close"),
    "tasks": _("Manual tasks"),
    "bulk": _("Many cases at once"),
    "duplicates": _("Duplicates"),
    "imports": _("Import cases from a file"),
    "sources": _("Your own forms and apps"),
    "processors": _("Connect a system"),
    "mparticle": _("First contact with mParticle"),
    "health": _("Health, jobs and callbacks"),
    "running": _("Run the portal"),
    "audit": _("The audit trail"),
    "accounts": _("Accounts, roles and verification rules"),
}

BY_TASK: Final[tuple[tuple[str | Promise, tuple[str, ...]], ...]] = (
    (_("Getting started"), ("start", "roles", "settings")),
    (_("Every day"), ("board", "attention", "list")),
    (
        _("From request to response"),
        ("opening", "verifying", "case", "together", "approving", "closing", "tasks"),
    ),
    (_("Many requests"), ("bulk", "duplicates", "imports", "sources")),
    (_("Systems and operation"), ("processors", "mparticle", "health", "running")),
    (_("Oversight"), ("audit", "accounts")),
)

BY_ROLE: Final[tuple[tuple[str | Promise, tuple[str, ...]], ...]] = (
    (_("For agents"), ("start", "list", "opening", "verifying", "closing", "together")),
    (_("For approvers"), ("start", "approving", "bulk", "case")),
    (_("For auditors"), ("audit", "list", "roles")),
    (_("For integration managers"), ("processors", "mparticle", "health", "sources", "running")),
    (_("For administrators"), ("accounts", "roles", "audit", "running")),
)

RELATED: Final[dict[str, tuple[str, ...]]] = {
    "start": ("roles", "opening", "list"),
    "roles": ("accounts", "approving", "start"),
    "settings": ("board", "list"),
    "board": ("list", "attention"),
    "attention": ("case", "tasks", "together"),
    "list": ("bulk", "case", "board"),
    "opening": ("verifying", "imports", "duplicates"),
    "verifying": ("opening", "approving", "accounts"),
    "case": ("verifying", "approving", "closing", "attention"),
    "together": ("case", "attention"),
    "approving": ("case", "bulk", "roles"),
    "closing": ("case", "tasks", "approving"),
    "tasks": ("closing", "processors"),
    "bulk": ("list", "approving"),
    "duplicates": ("verifying", "closing"),
    "imports": ("opening", "bulk", "sources"),
    "sources": ("imports", "opening", "health"),
    "processors": ("mparticle", "health", "tasks"),
    "mparticle": ("processors", "health", "running"),
    "health": ("processors", "running", "attention"),
    "running": ("health", "mparticle", "accounts"),
    "audit": ("roles", "list", "running"),
    "accounts": ("roles", "verifying", "audit"),
}


def address(name: str = "", anchor: str = "") -> str:
    """The address of a page, or of the manual's first page; `anchor` is one of the page's headings."""
    page = reverse("admin:help_page", args=[name]) if name else reverse("admin:help")
    return f"{page}#{anchor}" if anchor else page
