"""A portal of the bench's own, in a directory of its own; nothing of the developer's is read or touched."""

import base64
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dsrportal.serve.embedded import Servers


@contextmanager
def own_servers() -> Iterator[Path]:
    """Durable ones, and the environment in which this process and those that it starts find them."""
    directory = Path(tempfile.mkdtemp(prefix="portal-bench-"))
    directory.chmod(0o711)
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PORTAL_BASE_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "dsrportal.settings",
        "PORTAL_ENV_FILE": os.devnull,
        "PORTAL_DATA_DIR": str(directory),
        "PORTAL_MASTER_KEYS": "bench1:" + base64.b64encode(os.urandom(32)).decode(),
        "SECRET_KEY": secrets.token_urlsafe(50),
    }
    try:
        with Servers(directory, durable=True):
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def own_portal() -> Iterator[Path]:
    """The same, migrated, with Django set up in this process."""
    with own_servers() as directory:
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        try:
            call_command("migrate", verbosity=0, interactive=False)
            yield directory
        finally:
            connections.close_all()
