"""Bringing a migrated test database back to how the migrations left it.

Django's own flush truncates as the role of the tests; here that is the portal's role, which may not, and the audit
trail refuses anyone. So the superuser does it, with triggers and foreign keys asleep, and puts back the rows that
migrations made.
"""

from tests.servers import superuser

# What Django fills after migrating, and what never changes in a test.
KEPT = ("django_migrations", "django_content_type", "auth_permission")

_SAVE = """
DO $$ DECLARE t text; filled bool; BEGIN
  CREATE SCHEMA IF NOT EXISTS pristine;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (%s) LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%%I)', t) INTO filled;
    IF filled THEN EXECUTE format('CREATE TABLE pristine.%%I AS TABLE public.%%I', t, t); END IF;
  END LOOP;
END $$
"""

_RESTORE = """
DO $$ DECLARE t text; columns text; filled bool; BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL (%s) LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%%I)', t) INTO filled;
    IF filled THEN EXECUTE format('DELETE FROM public.%%I', t); END IF;
  END LOOP;
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'pristine' LOOP
    SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns
      WHERE table_schema = 'public' AND table_name = t AND is_generated = 'NEVER';
    EXECUTE format('INSERT INTO public.%%I (%%s) SELECT %%s FROM pristine.%%I', t, columns, columns, t);
  END LOOP;
END $$
"""


def _run(database: str, block: str) -> None:
    kept = "ARRAY[" + ", ".join(f"'{table}'" for table in KEPT) + "]"
    with superuser(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(block.replace("%s)", f"{kept})", 1).replace("%%", "%"))


def save(database: str) -> None:
    """Remember the rows that migrations made."""
    _run(database, _SAVE)


def restore(database: str) -> None:
    """Empty every table and put those rows back."""
    _run(database, _RESTORE)
