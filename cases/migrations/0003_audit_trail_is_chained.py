"""The database chains audit events and refuses to change them.

The trigger function runs with the rights of the tables' owner, so that the role the portal runs as needs no
right to write heads: it cannot place an event anywhere but at the end of its chain.
"""

from django.db import migrations

CHAIN = """
CREATE FUNCTION cases_audit_event_joins_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    genesis CONSTANT bytea := decode(repeat('00', 32), 'hex');
BEGIN
    LOOP
        UPDATE public.cases_auditchain AS chain
        SET sequence = last.sequence + 1,
            head = sha256(last.head || int8send(last.sequence + 1) || convert_to(NEW.canonical, 'UTF8'))
        FROM (SELECT * FROM public.cases_auditchain WHERE name = NEW.chain FOR UPDATE) AS last
        WHERE chain.name = last.name
        RETURNING chain.sequence, last.head, chain.head INTO NEW.sequence, NEW.previous_hash, NEW.hash;
        EXIT WHEN FOUND;
        -- The first event of its chain; two at once find the one head that either of them made.
        INSERT INTO public.cases_auditchain (name, sequence, head)
        VALUES (NEW.chain, 0, genesis) ON CONFLICT (name) DO NOTHING;
    END LOOP;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_event_joins_chain BEFORE INSERT ON cases_auditevent
FOR EACH ROW EXECUTE FUNCTION cases_audit_event_joins_chain();
"""

REFUSE = """
CREATE FUNCTION cases_audit_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_event_is_never_changed BEFORE UPDATE OR DELETE ON cases_auditevent
FOR EACH ROW EXECUTE FUNCTION cases_audit_trail_is_append_only();
CREATE TRIGGER audit_event_is_never_truncated BEFORE TRUNCATE ON cases_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION cases_audit_trail_is_append_only();
CREATE TRIGGER audit_chain_is_never_deleted BEFORE DELETE ON cases_auditchain
FOR EACH ROW EXECUTE FUNCTION cases_audit_trail_is_append_only();
CREATE TRIGGER audit_chain_is_never_truncated BEFORE TRUNCATE ON cases_auditchain
FOR EACH STATEMENT EXECUTE FUNCTION cases_audit_trail_is_append_only();
-- Heads move only from within the trigger above: depth 0 is a statement of somebody's own.
CREATE TRIGGER audit_chain_moves_with_events BEFORE INSERT OR UPDATE ON cases_auditchain
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION cases_audit_trail_is_append_only();
"""

UNDO = """
DROP TRIGGER audit_chain_moves_with_events ON cases_auditchain;
DROP TRIGGER audit_chain_is_never_truncated ON cases_auditchain;
DROP TRIGGER audit_chain_is_never_deleted ON cases_auditchain;
DROP TRIGGER audit_event_is_never_truncated ON cases_auditevent;
DROP TRIGGER audit_event_is_never_changed ON cases_auditevent;
DROP FUNCTION cases_audit_trail_is_append_only();
DROP TRIGGER audit_event_joins_chain ON cases_auditevent;
DROP FUNCTION cases_audit_event_joins_chain();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_case_reference")]

    operations = [migrations.RunSQL(sql=CHAIN + REFUSE, reverse_sql=UNDO)]
