"""Callbacks and results, and what a person must decide."""

from django.db import migrations, models
from django.db.models import Q

from cases.migrations.tables.columns import BIG_ID, USER, UUID_ID, link, only_link
from cases.models.worded import WordingField
from dsrportal.fields import EncryptedBinaryField, EncryptedJSONField

ATTENTION_KINDS = [
    ("credentials", "Credentials refused"),
    ("account_mismatch", "Response from another workspace"),
    ("refused", "Processor refused the request"),
    ("conflict", "Blocked by another request"),
    ("gone", "Request unknown to the processor"),
    ("retries_exhausted", "No response after many attempts"),
    ("cancel_refused", "Cancel came too late"),
    ("unknown_status", "Unknown status reported"),
    ("past_expected", "Expected completion has passed"),
    ("silent", "No update from the processor"),
    ("disagreement", "Callback and status report disagree"),
    ("partner_failed", "Partner failed"),
    ("result_missed", "Result could not be stored"),
    ("result_in_doubt", "Result is doubtful and sealed"),
    ("held", "On hold for too long"),
    ("reappeared", "Data subject found after erasure"),
    ("task_overdue", "Manual task is overdue"),
    ("foreign_callback", "Callback is not for this portal"),
]
VERDICTS = [
    ("received", "Received, not yet applied"),
    ("applied", "Applied"),
    ("nothing_new", "Nothing new"),
    ("malformed", "Body cannot be read"),
    ("foreign_account", "Names another workspace"),
    ("foreign_address", "Names another callback address"),
    ("other_processor", "Request belongs to another processor"),
    ("unknown_request", "Unknown request"),
    ("unknown_status", "Unknown status reported"),
]

TABLES = [
    migrations.CreateModel(
        name="CallbackDelivery",
        fields=[
            ("id", UUID_ID),
            ("received_at", models.DateTimeField(db_index=True, verbose_name="received at")),
            ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="address")),
            ("body", EncryptedBinaryField(key="data_key")),
            ("headers", EncryptedJSONField(default=dict, key="data_key")),
            ("body_sha256", models.CharField(max_length=64)),
            ("reported_status", models.CharField(blank=True, max_length=64)),
            (
                "verdict",
                models.CharField(
                    choices=VERDICTS, default="received", max_length=20, verbose_name="processing result"
                ),
            ),
            ("applied_at", models.DateTimeField(blank=True, null=True)),
            (
                "repeats",
                models.PositiveIntegerField(
                    default=0, help_text="How often the same body was received again."
                ),
            ),
            ("certificate", link("integrations.signingcertificate", db_index=False)),
            ("data_key", link("dsrportal.datakey", db_index=False)),
            (
                "processor",
                link("integrations.processor", "deliveries", db_index=False, verbose_name="processor"),
            ),
            ("processor_request", link("cases.processorrequest", "deliveries", blank=True, null=True)),
        ],
        options={
            "verbose_name": "callback delivery",
            "verbose_name_plural": "callback deliveries",
            "indexes": [
                models.Index(
                    fields=["received_at"], condition=Q(verdict="received"), name="delivery_unapplied"
                )
            ],
            "constraints": [
                models.UniqueConstraint(fields=["processor", "body_sha256"], name="delivery_once_per_body")
            ],
        },
    ),
    migrations.CreateModel(
        name="ResultPackage",
        fields=[
            ("id", UUID_ID),
            (
                "state",
                models.CharField(
                    choices=[
                        ("fetched", "Fetched"),
                        ("no_data", "No data held"),
                        ("missed", "No longer available when fetched"),
                        ("too_large", "Larger than allowed"),
                        ("expired", "Deleted after its expiry"),
                        ("sealed", "Sealed because it is doubtful"),
                    ],
                    max_length=16,
                ),
            ),
            ("stored_name", models.CharField(blank=True, max_length=200)),
            ("size_bytes", models.PositiveBigIntegerField(blank=True, null=True)),
            ("sha256", models.CharField(blank=True, max_length=64)),
            ("content_type", models.CharField(blank=True, max_length=100)),
            ("fetched_at", models.DateTimeField()),
            (
                "expires_at",
                models.DateTimeField(blank=True, help_text="When the portal deletes its copy.", null=True),
            ),
            ("processor_request", only_link("cases.processorrequest", "result_package")),
            ("doubt", models.CharField(blank=True, max_length=32)),
            ("summary", EncryptedJSONField(blank=True, key="processor_request.case.data_key", null=True)),
        ],
        options={
            "constraints": [
                models.CheckConstraint(
                    condition=~Q(state__in=["fetched", "sealed"])
                    | (~Q(stored_name="") & ~Q(sha256="") & Q(size_bytes__isnull=False)),
                    name="package_fetched_is_whole",
                ),
                models.CheckConstraint(
                    condition=Q(state="sealed") ^ Q(doubt=""), name="package_sealed_for_a_doubt"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="AttentionItem",
        fields=[
            ("id", BIG_ID),
            ("kind", models.CharField(choices=ATTENTION_KINDS, max_length=24, verbose_name="kind")),
            ("sentence", models.CharField(max_length=1000)),
            ("opened_at", models.DateTimeField()),
            ("resolved_at", models.DateTimeField(blank=True, null=True)),
            ("resolution", models.CharField(blank=True, max_length=32)),
            ("processor", link("integrations.processor", "attention_items", blank=True, null=True)),
            ("resolved_by", link(USER, blank=True, null=True)),
            ("case", link("cases.case", "attention_items", blank=True, null=True)),
            ("processor_request", link("cases.processorrequest", "attention_items", blank=True, null=True)),
            ("wording", WordingField(default=dict, editable=False)),
        ],
        options={
            "verbose_name": "attention item",
            "verbose_name_plural": "attention items",
            "permissions": [("resolve_attentionitem", "Can resolve attention items")],
            "constraints": [
                models.UniqueConstraint(
                    fields=["kind", "case", "processor_request", "processor", "sentence"],
                    condition=Q(resolved_at__isnull=True),
                    nulls_distinct=False,
                    name="attention_open_once",
                ),
                models.CheckConstraint(
                    condition=Q(resolution="", resolved_at__isnull=True)
                    | (Q(resolved_at__isnull=False) & ~Q(resolution="")),
                    name="attention_resolved_with_reason",
                ),
            ],
        },
    ),
]
