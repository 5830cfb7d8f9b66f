"""Refuses to start with master keys that cannot read what is stored."""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from dsrportal.crypto.errors import WrongKey
from dsrportal.crypto.keyring import keyring, unwrap


def verify_keyring(*, using: str = "default") -> None:
    """`ImproperlyConfigured` unless the configured master keys open the data keys of this database.

    Tries one row for each configured master key and looks for rows under any other. A database without the table
    (before the first migration) has nothing to contradict them.
    """
    ring = keyring()
    data_key = apps.get_model("dsrportal", "DataKey")
    connection = connections[using]
    with connection.cursor() as cursor:
        if data_key._meta.db_table not in connection.introspection.table_names(cursor):
            return
    live = data_key._base_manager.using(using).filter(wrapped__isnull=False)
    known = [key.key_id for key in ring.keys]
    stranger = live.exclude(master_key_id__in=known).first()
    if stranger is not None:
        raise ImproperlyConfigured(
            f"This database holds data keys wrapped by master key {stranger.master_key_id!r}, which "
            "PORTAL_MASTER_KEYS does not contain: add that key after the current one, then run "
            "`manage.py rotate_keys` before you remove it."
        )
    for key_id in known:
        row = live.filter(master_key_id=key_id).first()
        if row is None:
            continue
        try:
            unwrap(row)
        except WrongKey:
            raise ImproperlyConfigured(
                f"Master key {key_id!r} in PORTAL_MASTER_KEYS does not open the data keys of this database: "
                f"put back the key that had the id {key_id!r}, or restore the database that belongs to this one."
            ) from None
