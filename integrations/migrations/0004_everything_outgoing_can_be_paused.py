from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q


def make_row(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("integrations", "Outgoing").objects.using(schema_editor.connection.alias).create(id=1)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0003_limits_over_several_windows"),
    ]

    operations = [
        migrations.CreateModel(
            name="Outgoing",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(
                        default=1, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("paused_reason", models.CharField(blank=True, editable=False, max_length=32)),
            ],
            options={
                "verbose_name": "outgoing",
                "verbose_name_plural": "outgoing",
                "permissions": [("pause_outgoing", "Can pause and resume everything outgoing")],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=Q(id=1), name="outgoing_is_one_row"),
                    models.CheckConstraint(
                        condition=Q(paused_at__isnull=True, paused_reason="")
                        | (Q(paused_at__isnull=False) & ~Q(paused_reason="")),
                        name="outgoing_paused_with_reason",
                    ),
                ],
            },
        ),
        migrations.RunPython(make_row, migrations.RunPython.noop),
    ]
