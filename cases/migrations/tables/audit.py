"""Audit events and the heads of their chains. The next migration chains them."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models
from django.db.models import Q

from cases.migrations.tables.columns import BIG_ID, USER, link

TABLES = [
    migrations.CreateModel(
        name="AuditChain",
        fields=[
            ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
            ("sequence", models.BigIntegerField()),
            ("head", models.BinaryField(max_length=32)),
        ],
    ),
    migrations.CreateModel(
        name="AuditEvent",
        fields=[
            ("id", BIG_ID),
            ("chain", models.CharField(max_length=40)),
            ("sequence", models.BigIntegerField(default=0)),
            ("at", models.DateTimeField(db_index=True, verbose_name="when")),
            ("action", models.CharField(max_length=48)),
            ("actor_label", models.CharField(blank=True, max_length=150)),
            (
                "source",
                models.CharField(
                    choices=[
                        ("admin", "Admin"),
                        ("callback", "Callback"),
                        ("report", "Report"),
                        ("schedule", "Schedule"),
                        ("command", "Command"),
                        ("person", "The data subject"),
                        ("api", "Intake API"),
                    ],
                    max_length=16,
                    verbose_name="source",
                ),
            ),
            ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="address")),
            ("reason", models.CharField(blank=True, max_length=48)),
            ("details", models.JSONField(default=dict)),
            ("canonical", models.TextField()),
            ("previous_hash", models.BinaryField(default=b"", max_length=32)),
            ("hash", models.BinaryField(default=b"", max_length=32)),
            ("actor", link(USER, blank=True, db_index=False, null=True)),
            ("processor", link("integrations.processor", blank=True, db_index=False, null=True)),
            ("case", link("cases.case", "audit_events", blank=True, null=True)),
        ],
        options={
            "verbose_name": "audit event",
            "verbose_name_plural": "audit events",
            "ordering": ["id"],
            "indexes": [
                models.Index(fields=["action", "-at"], name="audit_by_action"),
                models.Index(
                    fields=["processor", "-at"],
                    condition=Q(processor__isnull=False),
                    name="audit_by_processor",
                ),
                models.Index(
                    fields=["actor", "-at"], condition=Q(actor__isnull=False), name="audit_by_actor"
                ),
                models.Index(
                    fields=["actor_label", "-at"], condition=Q(actor_label__gt=""), name="audit_by_label"
                ),
                models.Index(
                    fields=["address", "-at"], condition=Q(address__isnull=False), name="audit_by_address"
                ),
                models.Index(
                    fields=["source", "-at"],
                    condition=Q(source__in=["admin", "command", "api"]),
                    name="audit_by_source",
                ),
                GinIndex(
                    name="audit_searches",
                    fields=["details"],
                    opclasses=["jsonb_path_ops"],
                    condition=Q(action="identity.searched"),
                ),
            ],
            "constraints": [
                models.UniqueConstraint(fields=["chain", "sequence"], name="audit_chain_sequence_unique")
            ],
        },
    ),
]
