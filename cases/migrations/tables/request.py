"""Requests to processors, their groups and partners; processors left out, work by hand, searches."""

import uuid

from django.db import migrations, models
from django.db.models import F, Q

from cases.migrations.tables.columns import BIG_ID, USER, UUID_ID, link, only_link, values
from cases.models.worded import WordingField
from dsrportal.fields import EncryptedTextField

REQUEST_STATUSES = [
    ("planned", "Planned"),
    ("queued", "Queued"),
    ("pending", "Pending"),
    ("in_progress", "In progress"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]
ANSWERS = [
    ("done", "Done"),
    ("accepted", "Accepted"),
    ("no_data_held", "No data held"),
    ("not_applicable", "Not applicable"),
    ("refused", "Refused"),
]

TABLES = [
    migrations.CreateModel(
        name="RequestGroup",
        fields=[
            ("id", BIG_ID),
            ("name", models.CharField(editable=False, max_length=64)),
            ("size", models.PositiveSmallIntegerField(default=0, editable=False)),
            ("explicit", models.BooleanField(default=False, editable=False)),
            ("asked_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("processor", link("integrations.processor", "groups", db_index=False, editable=False)),
        ],
        options={
            "indexes": [
                models.Index(fields=["processor", "-id"], condition=Q(explicit=False), name="group_newest")
            ],
            "constraints": [
                models.UniqueConstraint(fields=["processor", "name"], name="group_name_once_a_processor")
            ],
        },
    ),
    # Requests and partners link to each other: the partners' own link comes after the requests.
    migrations.CreateModel(
        name="ForwardingExtension",
        fields=[
            ("id", UUID_ID),
            ("domain", models.CharField(max_length=253)),
            ("name", models.CharField(blank=True, max_length=200)),
            (
                "status",
                models.CharField(
                    choices=[
                        ("pending", "Pending"),
                        ("skipped", "Skipped"),
                        ("sent", "Sent"),
                        ("failed", "Failed"),
                        ("in_progress", "In progress"),
                        ("completed", "Completed"),
                        ("unrecognised", "Unrecognised"),
                    ],
                    max_length=16,
                ),
            ),
            ("raw_status", models.CharField(blank=True, max_length=64)),
            ("message", EncryptedTextField(blank=True, key="processor_request.case.data_key")),
            ("first_reported_at", models.DateTimeField(auto_now_add=True)),
            ("changed_at", models.DateTimeField()),
        ],
        options={
            "ordering": ["domain", "name"],
        },
    ),
    migrations.CreateModel(
        name="ProcessorRequest",
        fields=[
            (
                "subject_request_id",
                models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
            ),
            ("position", models.PositiveSmallIntegerField(default=0, editable=False)),
            ("skip_waiting_period", models.BooleanField(default=False, editable=False)),
            (
                "status",
                models.CharField(choices=REQUEST_STATUSES, default="planned", editable=False, max_length=16),
            ),
            ("answer", models.CharField(blank=True, choices=ANSWERS, editable=False, max_length=16)),
            ("status_changed_at", models.DateTimeField(editable=False)),
            ("queued_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("due_at", models.DateTimeField(editable=False)),
            ("next_attempt_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
            ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
            ("attempts", models.PositiveIntegerField(default=0, editable=False)),
            ("answered_attempts", models.PositiveIntegerField(default=0, editable=False)),
            ("last_error", models.CharField(blank=True, editable=False, max_length=32)),
            ("last_http_status", models.PositiveSmallIntegerField(blank=True, editable=False, null=True)),
            ("last_answer_bytes", models.PositiveIntegerField(blank=True, editable=False, null=True)),
            ("cancel_requested_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("sent_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("reported_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("reported_status", models.CharField(blank=True, editable=False, max_length=64)),
            ("expected_completion_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("expected_completion_raw", models.CharField(blank=True, editable=False, max_length=64)),
            ("results_url", models.CharField(blank=True, editable=False, max_length=2000)),
            ("completed_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("case", link("cases.case", "requests", editable=False)),
            ("processor", link("integrations.processor", "requests", db_index=False, editable=False)),
            (
                "replaces",
                only_link("cases.processorrequest", "replaced_by", blank=True, editable=False, null=True),
            ),
            ("group", link("cases.requestgroup", "requests", blank=True, editable=False, null=True)),
            (
                "for_partner",
                only_link("cases.forwardingextension", "task_request", blank=True, editable=False, null=True),
            ),
            ("held", models.BooleanField(default=False, editable=False)),
            ("remark", models.CharField(blank=True, editable=False, max_length=300)),
            ("not_before_at", models.DateTimeField(blank=True, editable=False, null=True)),
            (
                "identities",
                models.ManyToManyField(editable=False, related_name="requests", to="cases.subjectidentity"),
            ),
        ],
        options={
            "ordering": ["case_id", "position"],
            "indexes": [
                models.Index(
                    "processor",
                    "due_at",
                    "subject_request_id",
                    condition=Q(not_before_at__isnull=True)
                    & (Q(status="queued") | Q(cancel_requested_at__isnull=False, status="pending")),
                    name="request_due",
                ),
                models.Index(
                    "processor",
                    "not_before_at",
                    condition=Q(not_before_at__isnull=False, status="queued"),
                    name="request_cooling",
                ),
                models.Index(
                    "processor",
                    "reported_at",
                    condition=Q(status__in=["pending", "in_progress"]),
                    name="request_in_flight",
                ),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=Q(status__in=values(REQUEST_STATUSES)), name="request_status_known"
                ),
                models.CheckConstraint(
                    condition=Q(answer="") | Q(answer__in=values(ANSWERS), status="completed"),
                    name="request_answer_when_completed",
                ),
                models.CheckConstraint(
                    condition=Q(lease_token__isnull=True, lease_until__isnull=True)
                    | Q(lease_token__isnull=False, lease_until__isnull=False),
                    name="request_lease_has_token",
                ),
                models.CheckConstraint(
                    condition=Q(answered_attempts__lte=F("attempts")), name="request_answers_follow_attempts"
                ),
            ],
        },
    ),
    migrations.AddField(
        model_name="forwardingextension",
        name="processor_request",
        field=link("cases.processorrequest", "forwarding_extensions"),
    ),
    migrations.AddConstraint(
        model_name="forwardingextension",
        constraint=models.UniqueConstraint(
            fields=["processor_request", "domain", "name"], name="forwarding_one_per_partner"
        ),
    ),
    migrations.CreateModel(
        name="SkippedProcessor",
        fields=[
            ("id", BIG_ID),
            ("sentence", models.CharField(max_length=1000)),
            ("case", link("cases.case", "skipped_processors")),
            ("processor", link("integrations.processor", db_index=False)),
            ("skipped_by", link(USER, blank=True, null=True)),
            ("reason", models.CharField(blank=True, max_length=32)),
            ("wording", WordingField(default=dict, editable=False)),
        ],
        options={
            "constraints": [
                models.UniqueConstraint(fields=["case", "processor"], name="skipped_once_a_case")
            ],
        },
    ),
    migrations.CreateModel(
        name="ManualTask",
        fields=[
            ("id", UUID_ID),
            ("instructions", models.TextField(blank=True)),
            ("due_on", models.DateField()),
            ("attested_at", models.DateTimeField(blank=True, null=True)),
            ("assignee", link(USER, blank=True, null=True)),
            ("attested_by", link(USER, blank=True, null=True)),
            ("note", link("cases.note", blank=True, null=True)),
            ("processor_request", only_link("cases.processorrequest", "task")),
        ],
        options={
            "verbose_name": "manual task",
            "verbose_name_plural": "manual tasks",
            "permissions": [
                ("attest_manualtask", "Can attest manual tasks"),
                ("assign_manualtask", "Can create and assign manual tasks"),
            ],
            "constraints": [
                models.CheckConstraint(
                    condition=Q(attested_at__isnull=True, attested_by__isnull=True, note__isnull=True)
                    | Q(attested_at__isnull=False, attested_by__isnull=False, note__isnull=False),
                    name="task_attested_by_someone_with_note",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="ProfileSearch",
        fields=[
            ("id", UUID_ID),
            (
                "purpose",
                models.CharField(
                    choices=[("preview", "Before the request"), ("confirmation", "After the erasure")],
                    max_length=16,
                ),
            ),
            (
                "finding",
                models.CharField(
                    choices=[
                        ("found", "Profile found"),
                        ("not_found", "No profile found"),
                        ("unknown", "Could not be searched"),
                    ],
                    max_length=16,
                ),
            ),
            ("profile_id", EncryptedTextField(blank=True, key="case.data_key")),
            ("matched", models.JSONField(blank=True, default=list)),
            ("error", models.CharField(blank=True, max_length=32)),
            ("asked_at", models.DateTimeField()),
            ("asked_by", link(USER, blank=True, null=True)),
            ("case", link("cases.case", "searches")),
            ("processor", link("integrations.processor", db_index=False)),
            ("processor_request", link("cases.processorrequest", "searches", blank=True, null=True)),
        ],
        options={
            "verbose_name_plural": "profile searches",
            "ordering": ["asked_at"],
            "constraints": [
                models.CheckConstraint(
                    condition=Q(purpose="preview") | Q(processor_request__isnull=False),
                    name="search_confirms_a_request",
                ),
                models.CheckConstraint(
                    condition=Q(finding="unknown") | Q(error=""), name="search_failed_or_found"
                ),
            ],
        },
    ),
]
