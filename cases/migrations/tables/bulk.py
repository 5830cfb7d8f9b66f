"""Work on many cases at once."""

from django.db import migrations, models
from django.db.models import Q

from cases.migrations.tables.columns import BIG_ID, USER, UUID_ID, link, only_link, values
from cases.models.worded import WordingField
from dsrportal.fields import EncryptedJSONField

BULK_STATES = [
    ("preparing", "Being prepared"),
    ("previewed", "Waiting for confirmation"),
    ("running", "Running"),
    ("undoing", "Being undone"),
    ("done", "Done"),
    ("cancelled", "Stopped"),
]
BULK_VERBS = [
    ("verify", "Record verification"),
    ("assign", "Assign"),
    ("tag", "Change tags"),
    ("approve", "Approve"),
    ("deny", "Deny"),
    ("cancel", "Cancel requests"),
    ("close", "Close"),
]
ROW_STATES = [
    ("waiting", "Waiting"),
    ("left_out", "Skipped"),
    ("done", "Done"),
    ("refused", "Refused"),
    ("failed", "Failed"),
    ("undoing", "To be undone"),
    ("undone", "Undone"),
]

TABLES = [
    migrations.CreateModel(
        name="BulkRun",
        fields=[
            ("id", UUID_ID),
            (
                "verb",
                models.CharField(choices=BULK_VERBS, editable=False, max_length=16, verbose_name="what"),
            ),
            ("said", EncryptedJSONField(default=dict, key="data_key")),
            ("state", models.CharField(choices=BULK_STATES, editable=False, max_length=16)),
            ("total", models.PositiveIntegerField(default=0, editable=False)),
            ("counts", models.JSONField(default=dict, editable=False)),
            ("preview", models.JSONField(default=dict, editable=False)),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("address", models.GenericIPAddressField(blank=True, editable=False, null=True)),
            ("confirmed_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("finished_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
            ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
            ("created_by", link(USER, editable=False)),
            ("data_key", only_link("dsrportal.datakey", editable=False)),
            ("undone_by", link(USER, blank=True, editable=False, null=True)),
        ],
        options={
            "verbose_name": "bulk run",
            "verbose_name_plural": "bulk runs",
            "ordering": ["-created_at"],
            "default_permissions": ("view",),
            "indexes": [
                models.Index(fields=["-created_at"], name="bulk_run_newest"),
                models.Index(
                    fields=["lease_until"],
                    condition=Q(state__in=["preparing", "running", "undoing"]),
                    name="bulk_run_open",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=Q(state__in=values(BULK_STATES)), name="bulk_run_state_known"
                ),
                models.CheckConstraint(condition=Q(verb__in=values(BULK_VERBS)), name="bulk_run_verb_known"),
                models.CheckConstraint(
                    condition=~Q(state__in=["running", "undoing", "done"]) | Q(confirmed_at__isnull=False),
                    name="bulk_run_confirmed_before_it_runs",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="BulkRow",
        fields=[
            ("id", BIG_ID),
            ("state", models.CharField(choices=ROW_STATES, max_length=16)),
            ("code", models.CharField(blank=True, max_length=32)),
            ("sentence", models.TextField(blank=True)),
            ("digest", models.CharField(blank=True, max_length=64)),
            ("finished_at", models.DateTimeField(blank=True, null=True)),
            ("case", link("cases.case", "bulk_rows")),
            ("run", link("cases.bulkrun", "rows", db_index=False)),
            ("wording", WordingField(default=dict, editable=False)),
        ],
        options={
            "ordering": ["id"],
            "default_permissions": (),
            "indexes": [models.Index("run", "state", "id", name="bulk_row_by_state")],
            "constraints": [
                models.UniqueConstraint(fields=["run", "case"], name="bulk_row_once_a_case"),
                models.CheckConstraint(
                    condition=Q(state__in=values(ROW_STATES)), name="bulk_row_state_known"
                ),
            ],
        },
    ),
]
