"""The one database of a run that is migrated. Each process of the tests works in a copy of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.core.management import call_command
from django.db import connection
from psycopg import sql

from tests import pristine
from tests.servers import TEMPLATE, make_database, superuser

# Any number that nobody else locks on this server.
_LOCK: Final = 0x7465_6D70


def copy(name: str, *, owner: str, app: str) -> None:
    """A migrated database of that name, in place of one that may be there."""
    with superuser() as opened:
        # Whoever comes first makes the template and the others wait here: the lock ends with the connection.
        opened.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        # Closed to connections it is finished, and none can be in the way of copying it.
        row = opened.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        if row is None or row[0]:
            make_database(TEMPLATE, owner, app)
            with _connected_to_template():
                _fill()
            pristine.save(TEMPLATE)
            opened.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(TEMPLATE))
            )
        make_database(name, owner, app, template=TEMPLATE)


@contextmanager
def _connected_to_template() -> Iterator[None]:
    ours = connection.settings_dict
    connection.close()
    connection.settings_dict = {**ours, "NAME": TEMPLATE}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = ours


def _fill() -> None:
    from dsrportal.models import DataKey  # at the top there are no apps yet

    call_command("migrate", verbosity=0, interactive=False)
    # Each process remembers these for a minute: one that serves several tests must find the same in all of them.
    for purpose in DataKey.SHARED:
        DataKey.shared(purpose)
