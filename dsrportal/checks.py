"""System checks about how this portal is set up. `manage.py check --deploy` shows them."""

from collections.abc import Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Info, Tags, Warning, register
from django.db import OperationalError

from dsrportal.database.db_grants import excess_rights


@register(Tags.security, deploy=True)
def audit_table_is_out_of_reach(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W001: the audit trail proves little where the portal itself could rewrite it."""
    try:
        excess = excess_rights()
    except OperationalError:
        return [
            Info(
                "The database does not answer, so nobody looked at who owns the audit trail.",
                id="dsrportal.I001",
            )
        ]
    if not excess:
        return []
    return [
        Warning(
            f"The role the portal runs as {', '.join(excess)}.",
            hint="Set DATABASE_OWNER_URL to a role of its own and run `manage.py migrate` again; see .env.example.",
            id="dsrportal.W001",
        )
    ]


@register(Tags.security)
def debugging_is_off(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """W002: Django's debug pages show every value of a failing request."""
    if not settings.DEBUG:
        return []
    return [
        Warning(
            "DEBUG is on: error pages show personal data to whoever meets one.",
            hint="Remove DEBUG from the environment.",
            id="dsrportal.W002",
        )
    ]
