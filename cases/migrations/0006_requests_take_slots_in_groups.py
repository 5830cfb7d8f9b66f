from typing import Any

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Count, Q


def keep_groups(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each name that requests were sent under becomes a group that takes no more of them."""
    using = schema_editor.connection.alias
    requests: Any = apps.get_model("cases", "ProcessorRequest").objects.using(using)
    groups: Any = apps.get_model("cases", "RequestGroup").objects.using(using)
    named = requests.exclude(old_group="").order_by()
    for processor_id, name, size in named.values_list("processor_id", "old_group").annotate(Count("pk")):
        group = groups.create(processor_id=processor_id, name=name, size=size, explicit=True)
        requests.filter(processor_id=processor_id, old_group=name).update(group=group)


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0005_chain_trigger_serves_events_alone"),
        ("integrations", "0004_everything_outgoing_can_be_paused"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(editable=False, max_length=64)),
                ("size", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("explicit", models.BooleanField(default=False, editable=False)),
                ("asked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "processor",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="groups",
                        to="integrations.processor",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["processor", "name"], name="group_name_once_a_processor"),
                ],
                "indexes": [
                    models.Index(
                        condition=Q(explicit=False), fields=["processor", "-id"], name="group_newest"
                    ),
                ],
            },
        ),
        migrations.RemoveIndex(model_name="processorrequest", name="request_by_group"),
        migrations.RenameField(model_name="processorrequest", old_name="group_id", new_name="old_group"),
        migrations.AddField(
            model_name="processorrequest",
            name="group",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="cases.requestgroup",
            ),
        ),
        migrations.RunPython(keep_groups, migrations.RunPython.noop),
        # Rows were written and the constraints of the new key wait for the commit: no table is altered before it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RemoveField(model_name="processorrequest", name="old_group"),
    ]
