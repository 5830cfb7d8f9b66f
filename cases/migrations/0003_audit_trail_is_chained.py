"""The database chains audit events and refuses to change them.

The trigger function runs with the rights of the tables' owner, so that the role the portal runs as needs no
right to write heads: it cannot place an event anywhere but at the end of its chain.
"""

from django.db import migrations

CHAIN = """
CREATE FUNCTION cases_audit_event_joins_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    last public.cases_auditchain%ROWTYPE;
BEGIN
    SELECT * INTO last FROM public.cases_auditchain WHERE name = NEW.chain FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.cases_auditchain (name, sequence, head)
        VALUES (NEW.chain, 0, decode(repeat('00', 32), 'hex')) ON CONFLICT (name) DO NOTHING;
        SELECT * INTO last FROM public.cases_auditchain WHERE name = NEW.chain FOR UPDATE;
    END IF;
    NEW.sequence := last.sequence + 1;
    NEW.previous_hash := last.head;
    NEW.hash := sha256(last.head || int8send(NEW.sequence) || convert_to(NEW.canonical, 'UTF8'));
    UPDATE public.cases_auditchain SET sequence = NEW.sequence, head = NEW.hash WHERE name = NEW.chain;
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
-- Heads move only from within the trigger above: depth 1 is a statement of somebody's own.
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
