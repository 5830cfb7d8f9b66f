from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import integrations.limits


def spell_out(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What was a number of calls a minute becomes the line that says the same."""
    processors: Any = apps.get_model("integrations", "Processor").objects.using(
        schema_editor.connection.alias
    )
    for processor in processors.filter(calls_per_minute__gte=1):
        processor.limits = f"{processor.calls_per_minute} calls in 60 s"
        processor.save(update_fields=["limits"])


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0002_processor_permissions"),
    ]

    operations = [
        migrations.AddField(
            model_name="processor",
            name="limits",
            field=models.TextField(
                blank=True,
                default="",
                help_text=(
                    "What the vendor allows this account, one limit a line, such as “1000 calls in 60 s” or "
                    "“80000 new requests in 24 h”; empty for what it allows everybody."
                ),
                validators=[integrations.limits.validate],
            ),
        ),
        migrations.RunPython(spell_out, migrations.RunPython.noop),
        migrations.RemoveField(model_name="processor", name="calls_per_minute"),
        migrations.AlterField(
            model_name="processor",
            name="budget_share",
            field=models.PositiveSmallIntegerField(
                default=80, help_text="Percent of each limit that the portal uses."
            ),
        ),
    ]
