"""A chain's head is written once for each event, also for its first.

Each case begins with two events, and an import opens a hundred thousand: a head that was made empty and then moved cost
a second row version for each of them.
"""

from django.db import migrations

ONE_WRITE = """
CREATE OR REPLACE FUNCTION cases_audit_event_joins_chain() RETURNS trigger
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
"""

# As migrations 0003 and 0005 left it.
TWO_WRITES = """
CREATE OR REPLACE FUNCTION cases_audit_event_joins_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
        INSERT INTO public.cases_auditchain (name, sequence, head)
        VALUES (NEW.chain, 0, genesis) ON CONFLICT (name) DO NOTHING;
    END LOOP;
    RETURN NEW;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0026_the_rest_of_the_models_have_names")]

    operations = [migrations.RunSQL(sql=ONE_WRITE, reverse_sql=TWO_WRITES)]
