import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

# Each name that requests were sent under becomes a group that takes no more of them. In two statements, however many
# there are: the table is locked meanwhile.
_MAKE_GROUPS = """
    INSERT INTO cases_requestgroup (processor_id, name, size, explicit)
    SELECT processor_id, old_group, LEAST(count(*), 32767), true
    FROM cases_processorrequest WHERE old_group <> '' GROUP BY processor_id, old_group
"""
_JOIN_GROUPS = """
    UPDATE cases_processorrequest AS request SET group_id = made.id
    FROM cases_requestgroup AS made
    WHERE made.processor_id = request.processor_id AND made.name = request.old_group
"""


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
        migrations.RunSQL(_MAKE_GROUPS, migrations.RunSQL.noop),
        migrations.RunSQL(_JOIN_GROUPS, migrations.RunSQL.noop),
        # Rows were written and the constraints of the new key wait for the commit: no table is altered before it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RemoveField(model_name="processorrequest", name="old_group"),
    ]
