"""Grants on the tables: the owner makes them, the portal's own role works in them and owns none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.db import connections
from psycopg import sql

_NO_DELETE: Final = "SELECT, INSERT, UPDATE"
# Where the portal's role may do less than read and write. The chain's head is moved by a function that runs as the
# owner, inside the insert of an event.
RESTRICTED: Final[dict[str, str]] = {
    "cases_auditevent": "SELECT, INSERT",
    "cases_auditchain": "SELECT",
    # What people wrote and attached is part of the record.
    "cases_note": "SELECT, INSERT",
    "cases_attachment": "SELECT, INSERT",
    # How it was shown who a person is; which row of which file became a case.
    "cases_verification": "SELECT, INSERT",
    "cases_importedrow": "SELECT, INSERT",
    # These go on, and are never gone: what the trail points at, what was received, and who may open cases.
    "cases_case": _NO_DELETE,
    "cases_clock": _NO_DELETE,
    "cases_callbackdelivery": _NO_DELETE,
    "cases_processorrequest": _NO_DELETE,
    "cases_attentionitem": _NO_DELETE,
    "cases_emailconfirmation": _NO_DELETE,
    "cases_intakesource": _NO_DELETE,
    "cases_intakereceipt": _NO_DELETE,
    "cases_caseimport": _NO_DELETE,
    "cases_bulkrun": _NO_DELETE,
    "cases_bulkrow": _NO_DELETE,
    "cases_verificationrule": "SELECT, UPDATE",
    "django_migrations": "SELECT",
}
EVERYTHING_ELSE: Final = "SELECT, INSERT, UPDATE, DELETE"
AUDIT_TABLES: Final = ("cases_auditevent", "cases_auditchain")


def separate_owner(using: str = "default") -> bool:
    """Whether migrations run as another role than the portal's own."""
    owner = settings.DATABASE_OWNER
    return owner is not None and owner["USER"] != connections[using].settings_dict["USER"]


@contextmanager
def as_owner(using: str = "default") -> Iterator[None]:
    """Connect as the owner within the block, to the same database; without an owner role nothing changes."""
    connection = connections[using]
    ours: dict[str, Any] = connection.settings_dict
    if not separate_owner(using):
        yield
        return
    owner: dict[str, Any] = settings.DATABASE_OWNER or {}
    connection.close()
    connection.settings_dict = {**ours, **{key: owner[key] for key in ("USER", "PASSWORD", "HOST", "PORT")}}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = ours


def grant(role: str, using: str = "default") -> None:
    """Give the portal's role exactly what it needs, in one transaction. Runs as the owner; safe to repeat."""
    who = sql.Identifier(role)
    with connections[using].cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            "SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'S', 'v', 'm') "
            "AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.relname"
        )
        for name, kind in cursor.fetchall():
            table = sql.Identifier("public", name)
            if kind == "S":
                cursor.execute(
                    sql.SQL("GRANT USAGE, SELECT ON SEQUENCE {} TO {}").format(table, who).as_string()
                )
                continue
            rights = sql.SQL(RESTRICTED.get(name, EVERYTHING_ELSE))
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}, PUBLIC").format(table, who).as_string())
            cursor.execute(sql.SQL("GRANT {} ON {} TO {}").format(rights, table, who).as_string())
        # The right to make tables in this schema came with PostgreSQL 14 and older, and with whoever gave it since.
        cursor.execute(
            "SELECT 1 FROM pg_namespace WHERE nspname = 'public' AND pg_has_role(nspowner, 'USAGE')"
        )
        if cursor.fetchone():
            cursor.execute(sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(who).as_string())
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who).as_string())
        cursor.execute("COMMIT")


def excess_rights(using: str = "default") -> list[str]:
    """What the role we run as may do to the audit tables and should not, in words; empty when all is well."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_has_role(c.relowner, 'MEMBER'), right_name "
            "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, "
            "unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS right_name "
            "WHERE n.nspname = 'public' AND c.relname = ANY(%s) "
            "AND (pg_has_role(c.relowner, 'MEMBER') OR has_table_privilege(c.oid, right_name)) ORDER BY 1, 3",
            [list(AUDIT_TABLES)],
        )
        rows = cursor.fetchall()
    return sorted({f"owns {table}" if owns else f"may {right} {table}" for table, owns, right in rows})
