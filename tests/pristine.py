"""Bringing a migrated test database back to how the migrations left it.

Django's own flush truncates as the role of the tests; here that is the portal's role, which may not, and the audit
trail refuses anyone. So the superuser does it, with triggers and foreign keys asleep, and puts back the rows that
migrations made.

What is to be done is a function in the database, with statements of its own for each table: a connection that is kept
plans each of them once, and not for every test.
"""

from collections.abc import Iterable
from typing import Any, Final

import psycopg
from psycopg import sql

from tests.servers import superuser

# What Django fills after migrating, and what never changes in a test.
KEPT: Final = ("django_migrations", "django_content_type", "auth_permission")

_TABLES: Final = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' AND table_name <> ALL (%s)
GROUP BY table_name ORDER BY table_name
"""
_EMPTY: Final = "IF EXISTS (SELECT FROM public.{table}) THEN DELETE FROM public.{table}; END IF;"
# Few tests change these rows, and comparing them is cheaper than writing them.
_PUT_BACK: Final = """
IF EXISTS ((SELECT {columns} FROM public.{table} EXCEPT ALL SELECT {columns} FROM pristine.{table})
  UNION ALL (SELECT {columns} FROM pristine.{table} EXCEPT ALL SELECT {columns} FROM public.{table})) THEN
  DELETE FROM public.{table};
  INSERT INTO public.{table} ({columns}) SELECT {columns} FROM pristine.{table};
END IF;
"""

# To each database, kept for the next test.
_connections: dict[str, psycopg.Connection[Any]] = {}


def save(database: str) -> None:
    """Remember the rows that migrations made, and how to come back to them."""
    with superuser(database) as connection:
        connection.execute("CREATE SCHEMA pristine")
        tables: list[Any] = connection.execute(_TABLES, [list(KEPT)]).fetchall()
        body = "\n".join(_statement(connection, table, columns) for table, columns in tables)
        connection.execute(
            sql.SQL("CREATE FUNCTION pristine.restore() RETURNS void LANGUAGE plpgsql AS {}").format(
                sql.Literal(f"BEGIN\n{body}\nEND")
            )
        )


def _statement(connection: psycopg.Connection[Any], table: str, columns: Iterable[str]) -> str:
    named = {"table": sql.Identifier(table), "columns": sql.SQL(", ").join(map(sql.Identifier, columns))}
    filled = connection.execute(sql.SQL("SELECT FROM public.{table} LIMIT 1").format(**named)).rowcount
    if not filled:
        return sql.SQL(_EMPTY).format(**named).as_string(connection)
    connection.execute(sql.SQL("CREATE TABLE pristine.{table} AS TABLE public.{table}").format(**named))
    return sql.SQL(_PUT_BACK).format(**named).as_string(connection)


def restore(database: str) -> None:
    """Empty every table and put those rows back."""
    connection = _connections.get(database)
    if connection is None or connection.closed:
        connection = _connections[database] = superuser(database)
        connection.execute("SET session_replication_role = replica")
    connection.execute("SELECT pristine.restore()")


def close() -> None:
    """Let go of the databases, which then can be dropped."""
    while _connections:
        _connections.popitem()[1].close()
