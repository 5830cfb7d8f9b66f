"""Sources that may open cases, tags, saved views, and the page of jobs."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower

from cases.migrations.tables.columns import BIG_ID, USER, link

TABLES = [
    migrations.CreateModel(
        name="IntakeSource",
        fields=[
            ("id", BIG_ID),
            (
                "name",
                models.CharField(
                    help_text="Your team’s name for this form.",
                    max_length=100,
                    unique=True,
                    verbose_name="name",
                ),
            ),
            ("token_hash", models.BinaryField(max_length=32, unique=True)),
            ("active", models.BooleanField(default=True, editable=False)),
            ("types", models.JSONField(default=list)),
            ("regulations", models.JSONField(default=list)),
            (
                "per_minute",
                models.PositiveIntegerField(
                    default=60,
                    help_text="Maximum number of calls in any 60 seconds. Further calls have to wait.",
                    validators=[MinValueValidator(1), MaxValueValidator(6000)],
                    verbose_name="requests a minute",
                ),
            ),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("token_made_at", models.DateTimeField(editable=False)),
            ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ("created_by", link(USER, editable=False)),
        ],
        options={
            "verbose_name": "intake source",
            "verbose_name_plural": "intake sources",
            "ordering": ["name"],
            "default_permissions": ("add", "change", "view"),
            "constraints": [
                models.CheckConstraint(
                    condition=Q(per_minute__gte=1, per_minute__lte=6000),
                    name="intake_source_per_minute_known",
                )
            ],
        },
    ),
    migrations.CreateModel(
        name="Tag",
        fields=[
            ("id", BIG_ID),
            ("name", models.CharField(max_length=40)),
        ],
        options={
            "ordering": ["name"],
            "constraints": [models.UniqueConstraint(Lower("name"), name="tag_name_once")],
        },
    ),
    migrations.CreateModel(
        name="SavedView",
        fields=[
            ("id", BIG_ID),
            ("name", models.CharField(max_length=40)),
            ("shared", models.BooleanField(default=False)),
            ("query", models.CharField(max_length=1000)),
            ("saved_at", models.DateTimeField(auto_now_add=True)),
            ("owner", link(USER, "saved_views")),
        ],
        options={
            "verbose_name": "saved view",
            "verbose_name_plural": "saved views",
            "permissions": [("share_savedview", "Can share saved views with everyone")],
            "default_permissions": ("add",),
            "constraints": [
                models.UniqueConstraint(
                    Lower("name"), "owner", condition=Q(shared=False), name="savedview_own_name_once"
                ),
                models.UniqueConstraint(
                    Lower("name"), condition=Q(shared=True), name="savedview_shared_name_once"
                ),
                models.CheckConstraint(
                    condition=~Q(query__regex="(^|&)found="), name="savedview_keeps_no_search"
                ),
            ],
        },
    ),
    migrations.CreateModel(
        name="Jobs",
        fields=[
            ("id", BIG_ID),
        ],
        options={
            "verbose_name": "jobs",
            "verbose_name_plural": "jobs",
            "permissions": [
                ("view_jobs", "Can view queues, workers and failed jobs"),
                ("requeue_jobs", "Can run failed jobs again"),
            ],
            "managed": False,
            "default_permissions": (),
        },
    ),
]
