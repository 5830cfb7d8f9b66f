"""Each verifiable type has a rule under each law, and what cases showed before is kept with their identities.

CCPA: to give out specific pieces of data a reasonably high degree of certainty, three data points and a declaration
signed under penalty of perjury; for the rest a reasonable one, two data points (11 CCR 7062). An e-mail link proves
one data point, so it does not do for the former by itself. GDPR names no number; Art. 12(6) asks for what is needed.
"""

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery

EVERY = ["matched_data", "email_confirmed", "document_seen", "signed_in", "authorised_agent"]
STRICT = [method for method in EVERY if method != "email_confirmed"]


def make_rules(apps: Any, schema_editor: Any) -> None:
    rules = apps.get_model("cases", "VerificationRule")
    for regulation in ("gdpr", "ccpa"):
        for kind in ("access", "portability", "erasure", "correction"):
            strict = regulation == "ccpa" and kind in {"access", "portability"}
            rules.objects.create(
                type=kind,
                regulation=regulation,
                methods=STRICT if strict else EVERY,
                data_points=3 if strict else 2,
                declaration=strict,
                link_days=7,
            )


def keep_what_was_shown(apps: Any, schema_editor: Any) -> None:
    """Until now a verified case spoke for all of its identities."""
    cases = apps.get_model("cases", "Case").objects.filter(verified_at__isnull=False)
    verified = cases.filter(subject=OuterRef("subject"))
    apps.get_model("cases", "SubjectIdentity").objects.filter(
        verified_at__isnull=True,
        subject__in=cases.values("subject"),
    ).update(verified_at=Subquery(verified.order_by("verified_at").values("verified_at")[:1]))


class Migration(migrations.Migration):
    dependencies = [("cases", "0021_cases_have_attachments")]

    operations = [
        migrations.RunPython(make_rules, migrations.RunPython.noop),
        migrations.RunPython(keep_what_was_shown, migrations.RunPython.noop),
    ]
