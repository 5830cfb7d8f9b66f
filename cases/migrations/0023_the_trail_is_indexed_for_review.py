"""Each thing that the trail is narrowed to has an index in the order of its list.

On a trail that is long already each of them reads the whole table once: tens of minutes at tens of millions of events,
in which nothing can be added. Pause everything outgoing before.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0022_every_verifiable_type_has_its_rule"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("processor__isnull", False)),
                fields=["processor", "-at"],
                name="audit_by_processor",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor", "-at"], name="audit_by_actor"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("actor_label__gt", "")),
                fields=["actor_label", "-at"],
                name="audit_by_label",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("address__isnull", False)),
                fields=["address", "-at"],
                name="audit_by_address",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("source__in", ["admin", "command", "api"])),
                fields=["source", "-at"],
                name="audit_by_source",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("action", "identity.searched")),
                fields=["details"],
                name="audit_searches",
                opclasses=["jsonb_path_ops"],
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
