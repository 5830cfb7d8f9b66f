"""`manage.py migrate`, as the role that owns the tables; afterwards the portal's own role gets its rights."""

from typing import Any, Final

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from dsrportal.database.db_grants import as_owner, grant

# A commit that still has each of the steps which our first migrations replace.
COMMIT_WITH_EACH: Final = "e2dd79f"


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        using: str = options["database"]
        role: str = connections[using].settings_dict["USER"]
        with as_owner(using):
            refuse_between_versions(using)
            super().handle(*args, **options)
            looked_only = options.get("plan") or options.get("check_unapplied")
            if separate := (not looked_only and role_differs(using, role)):
                grant(role, using)
        if separate and options["verbosity"] >= 2:
            self.stdout.write(f"Rights of {role} are as they should be.")


def role_differs(using: str, role: str) -> bool:
    """Whether we are, at this moment, connected as somebody else than the portal's own role."""
    return bool(connections[using].settings_dict["USER"] != role)


def refuse_between_versions(using: str) -> None:
    """Raises CommandError where only a part was run of what one migration replaces: the rest is not here any more."""
    loader = MigrationLoader(connections[using], load=False)
    loader.load_disk()
    known = loader.disk_migrations or {}
    applied = MigrationRecorder(connections[using]).applied_migrations()
    halfway = set()
    for migration in known.values():
        ran = {step in applied for step in migration.replaces if step not in known}
        if ran == {True, False}:
            halfway.add(migration.app_label)
    if halfway:
        app = min(halfway)
        last = max(name for its_app, name in applied if its_app == app)
        raise CommandError(
            f"This database stopped at {app}.{last}, and this version has all of these steps in one: check out "
            f"{COMMIT_WITH_EACH}, where 0.1.0 still has each, run `python manage.py migrate` there, then come back."
        )
