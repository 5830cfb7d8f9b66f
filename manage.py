#!/usr/bin/env python
"""The portal's command line. `manage.py portal` runs everything; see the README."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dsrportal.settings")
    if sys.argv[1:2] == ["portal"]:
        os.environ["PORTAL_MAKE_SECRETS"] = "1"
        if "--demo" in sys.argv:
            os.environ["PORTAL_DEMO"] = "1"
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        sys.exit(_no_database(error))


def _no_database(error: Exception) -> str:
    from django.conf import settings

    if settings.EMBEDDED_DATABASE and not settings.ADDRESSES.postgres_dir.exists():
        return (
            f"The portal's own database over {settings.DATA_DIR} is not running: start it with `make run` or "
            "`python manage.py portal` in another terminal, or set DATABASE_URL."
        )
    return f"The database does not answer: {' '.join(str(error).split())}"


if __name__ == "__main__":
    main()
