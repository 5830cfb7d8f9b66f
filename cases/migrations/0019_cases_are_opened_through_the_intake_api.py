import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dsrportal.fields


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0018_cases_come_in_as_files"),
        ("dsrportal", "0001_user_and_data_key"),
        ("integrations", "0005_processors_have_options"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="IntakeReceipt",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("key_hash", models.BinaryField(max_length=32, null=True)),
                ("body_hash", models.BinaryField(max_length=32, null=True)),
                ("answer", models.JSONField()),
                (
                    "external_reference",
                    dsrportal.fields.EncryptedTextField(blank=True, default="", key="case.data_key"),
                ),
                ("language", models.CharField(blank=True, default="", max_length=35)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="IntakeSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="How your team calls this form.", max_length=100, unique=True),
                ),
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                ("active", models.BooleanField(default=True, editable=False)),
                ("types", models.JSONField(default=list)),
                ("regulations", models.JSONField(default=list)),
                (
                    "per_minute",
                    models.PositiveIntegerField(
                        default=60,
                        help_text="How many calls it may make in any 60 seconds; what is more is told to wait.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6000),
                        ],
                        verbose_name="requests a minute",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("token_made_at", models.DateTimeField(editable=False)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "ordering": ["name"],
                "default_permissions": ("add", "change", "view"),
            },
        ),
        migrations.RemoveConstraint(
            model_name="case",
            name="case_second_person_approves",
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="source",
            field=models.CharField(
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
            ),
        ),
        migrations.AlterField(
            model_name="case",
            name="changed_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="case",
            name="opened_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="intakereceipt",
            name="case",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="intake_receipt", to="cases.case"
            ),
        ),
        migrations.AddField(
            model_name="intakesource",
            name="created_by",
            field=models.ForeignKey(
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="intakereceipt",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="receipts", to="cases.intakesource"
            ),
        ),
        migrations.AddField(
            model_name="case",
            name="intake_source",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to="cases.intakesource",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("intake_source__isnull", True), ("opened_by__isnull", False)),
                    models.Q(("intake_source__isnull", False), ("opened_by__isnull", True)),
                    _connector="OR",
                ),
                name="case_opened_by_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("changed_by__isnull", False), ("intake_source__isnull", False), _connector="OR"
                ),
                name="case_changed_by_someone",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("type__in", ["erasure", "correction"]), _negated=True),
                    ("approved_by__isnull", True),
                    models.Q(
                        models.Q(
                            ("opened_by__isnull", True),
                            models.Q(("approved_by", models.F("opened_by")), _negated=True),
                            _connector="OR",
                        ),
                        models.Q(
                            ("changed_by__isnull", True),
                            models.Q(("approved_by", models.F("changed_by")), _negated=True),
                            _connector="OR",
                        ),
                        models.Q(
                            ("verified_by__isnull", True),
                            models.Q(("approved_by", models.F("verified_by")), _negated=True),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="case_second_person_approves",
            ),
        ),
        migrations.AddConstraint(
            model_name="intakesource",
            constraint=models.CheckConstraint(
                condition=models.Q(("per_minute__gte", 1), ("per_minute__lte", 6000)),
                name="intake_source_per_minute_known",
            ),
        ),
        migrations.AddIndex(
            model_name="intakereceipt",
            index=models.Index(
                condition=models.Q(("key_hash__isnull", False)),
                fields=["made_at"],
                name="intake_receipt_remembered",
            ),
        ),
        migrations.AddConstraint(
            model_name="intakereceipt",
            constraint=models.UniqueConstraint(fields=("source", "key_hash"), name="intake_receipt_key_once"),
        ),
        migrations.AddConstraint(
            model_name="intakereceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("body_hash__isnull", True), ("key_hash__isnull", True)),
                    models.Q(("body_hash__isnull", False), ("key_hash__isnull", False)),
                    _connector="OR",
                ),
                name="intake_receipt_hashes_together",
            ),
        ),
    ]
