"""`manage.py migrate`, as the role that owns the tables; afterwards the portal's own role gets its rights."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from dsrportal.db_grants import as_owner, grant


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        using: str = options["database"]
        role: str = connections[using].settings_dict["USER"]
        with as_owner(using):
            super().handle(*args, **options)
            looked_only = options.get("plan") or options.get("check_unapplied")
            if separate := (not looked_only and role_differs(using, role)):
                grant(role, using)
        if separate and options["verbosity"] >= 2:
            self.stdout.write(f"Rights of {role} are as they should be.")


def role_differs(using: str, role: str) -> bool:
    """Whether we are, at this moment, connected as somebody else than the portal's own role."""
    return bool(connections[using].settings_dict["USER"] != role)
