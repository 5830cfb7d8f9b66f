"""Each verifiable type has a rule under each law.

CCPA: to give out specific pieces of data a reasonably high degree of certainty, three data points and a declaration
signed under penalty of perjury; for the rest a reasonable one, two data points (11 CCR 7062). An e-mail link proves
one data point, so it does not do for the former by itself. GDPR names no number; Art. 12(6) asks for what is needed.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

EVERY = ["matched_data", "email_confirmed", "document_seen", "signed_in", "authorised_agent"]
STRICT = [method for method in EVERY if method != "email_confirmed"]


def make_rules(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rules = apps.get_model("cases", "VerificationRule").objects.using(schema_editor.connection.alias)
    for regulation in ("gdpr", "ccpa"):
        for kind in ("access", "portability", "erasure", "correction"):
            strict = regulation == "ccpa" and kind in {"access", "portability"}
            rules.create(
                type=kind,
                regulation=regulation,
                methods=STRICT if strict else EVERY,
                data_points=3 if strict else 2,
                declaration=strict,
                link_days=7,
            )


class Migration(migrations.Migration):
    replaces = [("cases", "0022_every_verifiable_type_has_its_rule")]
    dependencies = [("cases", "0002_audit_trail_is_chained")]

    operations = [migrations.RunPython(make_rules, migrations.RunPython.noop)]
