"""The database chains audit events and refuses to change them.

The trigger function runs with the rights of the tables' owner, so that the role the portal runs as needs no
right to write heads: it cannot place an event anywhere but at the end of its chain.
"""

from django.db import migrations

# A head is written once for each event, also for its chain's first: an import opens a hundred thousand chains.
CHAIN = """
CREATE FUNCTION cases_audit_event_joins_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOOP
        SELECT sequence + 1, head INTO NEW.sequence, NEW.previous_hash
        FROM public.cases_auditchain WHERE name = NEW.chain FOR UPDATE;
        IF FOUND THEN
            NEW.hash := sha256(NEW.previous_hash || int8send(NEW.sequence) || convert_to(NEW.canonical, 'UTF8'));
            UPDATE public.cases_auditchain SET sequence = NEW.sequence, head = NEW.hash WHERE name = NEW.chain;
            RETURN NEW;
        END IF;
        NEW.sequence := 1;
        NEW.previous_hash := decode(repeat('00', 32), 'hex');
        NEW.hash := sha256(NEW.previous_hash || int8send(NEW.sequence) || convert_to(NEW.canonical, 'UTF8'));
        INSERT INTO public.cases_auditchain (name, sequence, head)
        VALUES (NEW.chain, NEW.sequence, NEW.hash) ON CONFLICT (name) DO NOTHING;
        IF FOUND THEN
            RETURN NEW;
        END IF;
        -- Somebody else began the chain in this moment: join it behind their event.
    END LOOP;
END
$$;
-- Whoever may execute a trigger function may hang it on a table of their own, a temporary one for instance, and so
-- move a head without an event. Firing needs no right to execute: only making a trigger does.
REVOKE ALL ON FUNCTION cases_audit_event_joins_chain() FROM PUBLIC;
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
    replaces = [
        ("cases", "0003_audit_trail_is_chained"),
        ("cases", "0005_chain_trigger_serves_events_alone"),
        ("cases", "0027_a_chain_begins_with_one_write"),
    ]
    dependencies = [("cases", "0001_initial")]

    operations = [migrations.RunSQL(sql=CHAIN + REFUSE, reverse_sql=UNDO)]
