"""Rules of verification, attempts at it, and links sent by e-mail."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.db.models import Q
from django.utils import timezone

from cases.migrations.tables.case import REGULATIONS, REQUEST_TYPES, VERIFICATION_METHODS
from cases.migrations.tables.columns import BIG_ID, USER, UUID_ID, link, values

TABLES = [
    migrations.CreateModel(
        name="VerificationRule",
        fields=[
            ("id", BIG_ID),
            (
                "type",
                models.CharField(choices=REQUEST_TYPES, editable=False, max_length=16, verbose_name="type"),
            ),
            (
                "regulation",
                models.CharField(
                    choices=REGULATIONS, editable=False, max_length=8, verbose_name="regulation"
                ),
            ),
            ("methods", models.JSONField(verbose_name="methods")),
            (
                "data_points",
                models.PositiveSmallIntegerField(
                    help_text="CCPA: two for a reasonable degree of certainty, three for a reasonably high one (11 CCR 7062).",
                    validators=[MinValueValidator(1), MaxValueValidator(8)],
                    verbose_name="data points that must match",
                ),
            ),
            (
                "declaration",
                models.BooleanField(
                    help_text="If data points are matched, a declaration signed under penalty of perjury must "
                    "also be on file (11 CCR 7062, where specific pieces of data are disclosed).",
                    verbose_name="signed declaration",
                ),
            ),
            (
                "link_days",
                models.PositiveSmallIntegerField(
                    validators=[MinValueValidator(1), MaxValueValidator(30)],
                    verbose_name="validity of an e-mail link in days",
                ),
            ),
        ],
        options={
            "verbose_name": "verification rule",
            "verbose_name_plural": "verification rules",
            "ordering": ["regulation", "type"],
            "default_permissions": ("view", "change"),
            "constraints": [
                models.UniqueConstraint(fields=["type", "regulation"], name="verification_rule_once"),
                models.CheckConstraint(
                    condition=Q(type__in=["access", "correction", "erasure", "portability"])
                    & Q(regulation__in=values(REGULATIONS)),
                    name="verification_rule_for_verifiable_types",
                ),
                models.CheckConstraint(condition=~Q(methods=[]), name="verification_rule_allows_something"),
                models.CheckConstraint(
                    condition=Q(data_points__range=(1, 8), link_days__range=(1, 30)),
                    name="verification_rule_in_range",
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Verification",
        fields=[
            ("id", UUID_ID),
            ("method", models.CharField(choices=VERIFICATION_METHODS, max_length=20)),
            ("passed", models.BooleanField()),
            ("details", models.JSONField(default=dict)),
            ("at", models.DateTimeField(default=timezone.now)),
            ("by", link(USER, blank=True, null=True)),
            ("case", link("cases.case", "verifications")),
            ("note", link("cases.note", blank=True, null=True)),
        ],
        options={
            "ordering": ["at"],
            "default_permissions": (),
            "constraints": [
                models.CheckConstraint(
                    condition=Q(by__isnull=False) | Q(method="email_confirmed"),
                    name="verification_recorded_by_someone",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="EmailConfirmation",
        fields=[
            ("id", UUID_ID),
            ("asked_at", models.DateTimeField(default=timezone.now)),
            ("valid_days", models.PositiveSmallIntegerField()),
            ("token_hash", models.BinaryField(max_length=32, null=True, unique=True)),
            ("attempts", models.PositiveSmallIntegerField(default=0)),
            ("next_attempt_at", models.DateTimeField(default=timezone.now, null=True)),
            ("last_error", models.CharField(blank=True, max_length=60)),
            ("sent_at", models.DateTimeField(blank=True, null=True)),
            ("expires_at", models.DateTimeField(blank=True, null=True)),
            ("used_at", models.DateTimeField(blank=True, null=True)),
            ("cancelled_at", models.DateTimeField(blank=True, null=True)),
            ("asked_by", link(USER, blank=True, null=True)),
            ("case", link("cases.case", "email_confirmations")),
            (
                "identity",
                models.ForeignKey(
                    null=True, on_delete=models.SET_NULL, related_name="+", to="cases.subjectidentity"
                ),
            ),
        ],
        options={
            "ordering": ["asked_at"],
            "default_permissions": (),
            "indexes": [
                models.Index(
                    fields=["next_attempt_at"],
                    condition=Q(cancelled_at__isnull=True, sent_at__isnull=True),
                    name="email_confirmation_unsent",
                ),
                models.Index(
                    fields=["expires_at"],
                    condition=Q(cancelled_at__isnull=True, used_at__isnull=True),
                    name="email_confirmation_open",
                ),
            ],
            "constraints": [
                models.UniqueConstraint(
                    fields=["case"],
                    condition=Q(cancelled_at__isnull=True, used_at__isnull=True),
                    name="email_confirmation_one_open_a_case",
                ),
                models.CheckConstraint(
                    condition=Q(used_at__isnull=True) | Q(cancelled_at__isnull=True, sent_at__isnull=False),
                    name="email_confirmation_used_or_cancelled",
                ),
            ],
        },
    ),
]
