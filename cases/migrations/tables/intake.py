"""Receipts of the intake API, and files of cases."""

from django.core.validators import RegexValidator
from django.db import migrations, models
from django.db.models import Q

from cases.migrations.tables.columns import BIG_ID, USER, UUID_ID, link, only_link, values
from cases.models.worded import WordingField
from dsrportal.fields import EncryptedTextField

IMPORT_STATES = [
    ("checking", "Checking"),
    ("checked", "Checked"),
    ("importing", "Importing"),
    ("finished", "Finished"),
    ("stopped", "Stopped"),
    ("discarded", "Discarded"),
]

TABLES = [
    migrations.CreateModel(
        name="IntakeReceipt",
        fields=[
            ("id", UUID_ID),
            ("key_hash", models.BinaryField(max_length=32, null=True)),
            ("body_hash", models.BinaryField(max_length=32, null=True)),
            ("answer", models.JSONField()),
            ("external_reference", EncryptedTextField(blank=True, default="", key="case.data_key")),
            ("language", models.CharField(blank=True, default="", max_length=35)),
            ("made_at", models.DateTimeField(auto_now_add=True)),
            ("case", only_link("cases.case", "intake_receipt")),
            ("source", link("cases.intakesource", "receipts")),
        ],
        options={
            "default_permissions": (),
            "indexes": [
                models.Index(
                    fields=["made_at"], condition=Q(key_hash__isnull=False), name="intake_receipt_remembered"
                )
            ],
            "constraints": [
                models.UniqueConstraint(fields=["source", "key_hash"], name="intake_receipt_key_once"),
                models.CheckConstraint(
                    condition=Q(body_hash__isnull=True, key_hash__isnull=True)
                    | Q(body_hash__isnull=False, key_hash__isnull=False),
                    name="intake_receipt_hashes_together",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="CaseImport",
        fields=[
            ("id", UUID_ID),
            ("file_name", EncryptedTextField(key="data_key", null=True)),
            ("stored_name", models.CharField(blank=True, editable=False, max_length=200)),
            ("size_bytes", models.PositiveBigIntegerField(editable=False)),
            (
                "source",
                models.CharField(
                    blank=True,
                    default="",
                    max_length=64,
                    validators=[
                        RegexValidator(
                            "^[A-Za-z0-9._-]+\\Z",
                            "Use letters, digits, points, hyphens and underscores only.",
                        )
                    ],
                ),
            ),
            ("columns", models.JSONField(default=list, editable=False)),
            ("separator", models.CharField(editable=False, max_length=1)),
            ("row_count", models.PositiveIntegerField(editable=False)),
            (
                "state",
                models.CharField(choices=IMPORT_STATES, editable=False, max_length=16, verbose_name="state"),
            ),
            (
                "stop_reason",
                models.CharField(
                    blank=True,
                    choices=[
                        ("not_allowed", "The user who started it may no longer import cases."),
                        ("unreadable", "The stored file cannot be read. Upload it again."),
                        (
                            "failing",
                            "It failed several times at the same place. The worker log shows the reason.",
                        ),
                    ],
                    editable=False,
                    max_length=16,
                ),
            ),
            ("uploaded_at", models.DateTimeField(editable=False)),
            ("started_from", models.GenericIPAddressField(editable=False, null=True)),
            ("started_at", models.DateTimeField(editable=False, null=True)),
            ("finished_at", models.DateTimeField(editable=False, null=True)),
            (
                "expires_at",
                models.DateTimeField(editable=False, help_text="When the portal deletes the file."),
            ),
            ("position", models.PositiveBigIntegerField(default=0, editable=False)),
            ("line", models.PositiveIntegerField(default=0, editable=False)),
            ("rows_done", models.PositiveIntegerField(default=0, editable=False)),
            ("good", models.PositiveIntegerField(default=0, editable=False)),
            ("known", models.PositiveIntegerField(default=0, editable=False)),
            ("failed", models.PositiveIntegerField(default=0, editable=False)),
            ("by_type", models.JSONField(default=dict, editable=False)),
            ("lease_until", models.DateTimeField(editable=False, null=True)),
            ("lease_token", models.UUIDField(editable=False, null=True)),
            ("attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
            ("data_key", only_link("dsrportal.datakey", editable=False)),
            ("started_by", link(USER, editable=False, null=True)),
            ("uploaded_by", link(USER, editable=False)),
        ],
        options={
            "verbose_name": "import",
            "verbose_name_plural": "imports",
            "ordering": ["-uploaded_at"],
            "default_permissions": ("add", "view"),
            "indexes": [
                models.Index(
                    fields=["state"],
                    condition=Q(state__in=["checking", "importing"]),
                    name="import_under_way",
                ),
                models.Index(fields=["-uploaded_at"], name="import_by_upload"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=Q(state__in=values(IMPORT_STATES)), name="import_state_known"
                ),
                models.CheckConstraint(
                    condition=Q(state="stopped") ^ Q(stop_reason=""), name="import_stopped_for_a_reason"
                ),
                models.CheckConstraint(
                    condition=Q(started_at__isnull=True, started_by__isnull=True)
                    | Q(started_at__isnull=False, started_by__isnull=False),
                    name="import_started_by_someone",
                ),
                models.CheckConstraint(
                    condition=~Q(state__in=["importing", "finished"]) | Q(started_at__isnull=False),
                    name="import_is_started_first",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="ImportedRow",
        fields=[
            ("id", BIG_ID),
            ("line", models.PositiveIntegerField()),
            ("content", models.BinaryField(max_length=32)),
            ("reference", models.BinaryField(max_length=32, null=True)),
            ("case", only_link("cases.case", "imported_row")),
            ("case_import", link("cases.caseimport", "rows")),
        ],
        options={
            "default_permissions": (),
            "constraints": [
                models.UniqueConstraint(fields=["content"], name="imported_row_content_once"),
                models.UniqueConstraint(fields=["reference"], name="imported_row_reference_once"),
            ],
        },
    ),
    migrations.CreateModel(
        name="ImportFailure",
        fields=[
            ("id", BIG_ID),
            ("line", models.PositiveIntegerField()),
            ("sentence", models.TextField()),
            (
                "case_import",
                models.ForeignKey(
                    db_index=False, on_delete=models.CASCADE, related_name="failures", to="cases.caseimport"
                ),
            ),
            ("wording", WordingField(default=dict, editable=False)),
        ],
        options={
            "ordering": ["line", "id"],
            "default_permissions": (),
            "indexes": [models.Index(fields=["case_import", "line"], name="failure_by_line")],
        },
    ),
]
