"""Processors, the certificates of their callbacks, and the switch for everything outgoing."""

import uuid

from django.apps.registry import Apps
from django.core.validators import URLValidator
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q
from django.utils import timezone

from dsrportal.fields import EncryptedJSONField
from integrations import limits
from integrations.models import kinds, new_callback_token, portal_key


def make_row(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("integrations", "Outgoing").objects.using(schema_editor.connection.alias).create(id=1)  # type: ignore[misc]


class Migration(migrations.Migration):
    initial = True

    replaces = [
        ("integrations", "0001_processors"),
        ("integrations", "0002_processor_permissions"),
        ("integrations", "0003_limits_over_several_windows"),
        ("integrations", "0004_everything_outgoing_can_be_paused"),
        ("integrations", "0005_processors_have_options"),
        ("integrations", "0006_models_have_names"),
    ]
    dependencies = [("dsrportal", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="SigningCertificate",
            fields=[
                (
                    "sha256",
                    models.CharField(
                        help_text="Fingerprint of the leaf certificate, hexadecimal.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("domain", models.CharField(max_length=253, verbose_name="domain")),
                ("pem", models.TextField()),
                ("not_before", models.DateTimeField()),
                ("not_after", models.DateTimeField()),
                ("fetched_at", models.DateTimeField(auto_now_add=True)),
                ("last_served_at", models.DateTimeField(default=timezone.now)),
            ],
            options={
                "verbose_name": "signing certificate",
                "verbose_name_plural": "signing certificates",
                "indexes": [
                    models.Index(fields=["domain", "-last_served_at"], name="signing_certificate_current")
                ],
            },
        ),
        migrations.CreateModel(
            name="Processor",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("kind", models.CharField(choices=kinds, max_length=32, verbose_name="kind")),
                (
                    "name",
                    models.CharField(
                        help_text="Your team’s name for this account.",
                        max_length=100,
                        unique=True,
                        verbose_name="name",
                    ),
                ),
                (
                    "account",
                    models.CharField(
                        help_text="The system’s own name for this account. One processor per account.",
                        max_length=100,
                        verbose_name="account",
                    ),
                ),
                (
                    "environment",
                    models.CharField(
                        choices=[("production", "Production"), ("development", "Development")],
                        default="production",
                        max_length=16,
                        verbose_name="environment",
                    ),
                ),
                ("credentials", EncryptedJSONField(default=dict, key="data_key")),
                (
                    "base_url",
                    models.URLField(
                        blank=True,
                        default="",
                        help_text="Leave empty for the vendor's default.",
                        validators=[URLValidator(schemes=["https"])],
                        verbose_name="API address",
                    ),
                ),
                (
                    "processor_domain",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The domain that callbacks must name and whose certificate must sign them. "
                        "Leave empty for the vendor's default.",
                        max_length=253,
                    ),
                ),
                (
                    "certificate_hosts",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Further hosts that the signing certificate may be fetched from, in addition to "
                        "the API host and the vendor's own.",
                    ),
                ),
                (
                    "extra_tls_roots",
                    models.TextField(
                        blank=True,
                        help_text="PEM. Trusted in addition to the public roots for connections to this processor.",
                    ),
                ),
                (
                    "extra_signing_roots",
                    models.TextField(
                        blank=True,
                        help_text="PEM. Trusted in addition to the public roots for certificates that sign its "
                        "callbacks.",
                    ),
                ),
                (
                    "budget_share",
                    models.PositiveSmallIntegerField(
                        default=80, help_text="Percentage of each limit that the portal uses."
                    ),
                ),
                (
                    "callback_token",
                    models.CharField(default=new_callback_token, editable=False, max_length=64, unique=True),
                ),
                ("account_proven_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("paused_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("paused_reason", models.CharField(blank=True, editable=False, max_length=32)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "data_key",
                    models.ForeignKey(
                        default=portal_key,
                        editable=False,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="dsrportal.datakey",
                    ),
                ),
                (
                    "limits",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="What the vendor allows this account, one limit per line, such as “1000 calls "
                        "in 60 s” or “80000 new requests in 24 h”. Leave empty for the vendor's general "
                        "limits.",
                        validators=[limits.validate],
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "verbose_name": "processor",
                "verbose_name_plural": "processors",
                "ordering": ["name"],
                "permissions": [
                    ("pause_processor", "Can pause and resume a processor"),
                    ("test_processor", "Can test a processor's connection"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["kind", "account"], name="processor_kind_account_unique"),
                    models.CheckConstraint(
                        condition=Q(budget_share__gte=1, budget_share__lte=100),
                        name="processor_budget_share_percent",
                    ),
                    models.CheckConstraint(
                        condition=Q(paused_at__isnull=True, paused_reason="")
                        | (Q(paused_at__isnull=False) & ~Q(paused_reason="")),
                        name="processor_paused_with_reason",
                    ),
                ],
            },
        ),
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
                "permissions": [("pause_outgoing", "Can pause and resume all sending")],
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
