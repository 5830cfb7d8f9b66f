"""A database as PostgreSQL itself describes it: two that say the same work the same."""

from typing import Any, Final

from tests.servers import superuser

# Of columns the order counts, not the number: one that was dropped leaves a gap.
_COLUMNS: Final = """
SELECT c.relname || '.' || a.attname, concat_ws(' | ',
    row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attidentity, pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
# 'n' says again of a column that it is not null.
_CONSTRAINTS: Final = """
SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
"""
_INDEXES: Final = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
_SEQUENCES: Final = """
SELECT seqrelid::regclass::text,
    concat_ws(' | ', seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcycle, seqcache)
FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid WHERE relnamespace = 'public'::regnamespace
"""
_FUNCTIONS: Final = """
SELECT oid::regprocedure::text,
    concat_ws(' | ', pg_get_functiondef(oid), proowner::regrole, coalesce(proacl, acldefault('f', proowner)))
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
_TRIGGERS: Final = """
SELECT tgrelid::regclass || '.' || tgname, concat_ws(' | ', pg_get_triggerdef(t.oid), tgenabled)
FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal
"""
_RIGHTS: Final = """
SELECT relname, concat_ws(' | ', relkind, relowner::regrole, relpersistence, relrowsecurity,
    ARRAY(SELECT right_.grantee::regrole || ' ' || right_.privilege_type || right_.is_grantable
          FROM aclexplode(relacl) AS right_ ORDER BY 1))
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S', 'v', 'm')
"""
_MAY: Final = """
SELECT tablename, ARRAY(
    SELECT word FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS word
    WHERE has_table_privilege(%s, 'public.' || quote_ident(tablename), word))
FROM pg_tables WHERE schemaname = 'public'
"""
_ALL: Final = {
    "columns": _COLUMNS,
    "constraints": _CONSTRAINTS,
    "indexes": _INDEXES,
    "sequences": _SEQUENCES,
    "functions": _FUNCTIONS,
    "triggers": _TRIGGERS,
    "rights": _RIGHTS,
}


def described(database: str) -> set[tuple[str, str, str]]:
    """Everything in the schema `public` by kind and name: columns, constraints, functions, triggers, rights, …"""
    with superuser(database) as connection:
        return {
            (kind, str(name), str(words))
            for kind, query in _ALL.items()
            for name, words in connection.execute(query).fetchall()
        }


def rows(database: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    with superuser(database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            str(table): [
                row[0]  # type: ignore[misc]
                for row in connection.execute(f'SELECT to_jsonb(t) FROM public."{table}" t').fetchall()
            ]
            for (table,) in tables
        }


def may(database: str, role: str) -> dict[str, set[str]]:
    """Of each table what the role may do with it; what it may do as somebody else it may too."""
    with superuser(database) as connection:
        found = connection.execute(_MAY, [role]).fetchall()
    return {str(table): set(words) for table, words in found}  # type: ignore[call-overload]
