"""The function that moves chain heads with its owner's rights serves the table of events and nobody else's.

Whoever may execute a trigger function may hang it on a table of their own, a temporary one for instance, and so move a
head without an event. Firing needs no right to execute: only making a trigger does.
"""

from django.db import migrations

LOCK = """
REVOKE ALL ON FUNCTION cases_audit_event_joins_chain() FROM PUBLIC;
ALTER FUNCTION cases_audit_event_joins_chain() SET search_path = pg_catalog, pg_temp;
"""
UNLOCK = """
ALTER FUNCTION cases_audit_event_joins_chain() SET search_path = pg_catalog, public;
GRANT EXECUTE ON FUNCTION cases_audit_event_joins_chain() TO PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0004_jobs_page_has_permissions")]

    operations = [migrations.RunSQL(sql=LOCK, reverse_sql=UNLOCK)]
