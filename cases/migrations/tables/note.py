"""Notes and attachments, and the people named in them."""

from django.db import migrations, models
from django.db.models import Q

from cases.migrations.tables.columns import BIG_ID, USER, UUID_ID, link
from dsrportal.fields import EncryptedTextField

TABLES = [
    migrations.CreateModel(
        name="Note",
        fields=[
            ("id", UUID_ID),
            ("text", EncryptedTextField(key="case.data_key")),
            ("created_at", models.DateTimeField(auto_now_add=True)),
            ("author", link(USER)),
            ("case", link("cases.case", "notes")),
            ("parent", link("cases.note", "replies", blank=True, null=True)),
        ],
        options={
            "ordering": ["created_at"],
        },
    ),
    migrations.CreateModel(
        name="Mention",
        fields=[
            ("id", BIG_ID),
            ("read_at", models.DateTimeField(blank=True, null=True)),
            ("note", link("cases.note", "mentions")),
            ("user", link(USER, "mentions", db_index=False)),
        ],
        options={
            "verbose_name": "mention",
            "verbose_name_plural": "mentions",
            "indexes": [
                models.Index(
                    fields=["user", "-id"], condition=Q(read_at__isnull=True), name="mention_unread"
                ),
                models.Index(fields=["user", "-id"], name="mention_by_user"),
            ],
            "constraints": [models.UniqueConstraint(fields=["user", "note"], name="mention_once_a_note")],
        },
    ),
    migrations.CreateModel(
        name="Attachment",
        fields=[
            ("id", UUID_ID),
            ("name", EncryptedTextField(key="case.data_key")),
            ("media_type", models.CharField(max_length=100)),
            ("size_bytes", models.PositiveBigIntegerField()),
            ("sha256", models.CharField(max_length=64)),
            ("stored_name", models.CharField(max_length=200)),
            ("uploaded_at", models.DateTimeField()),
            ("case", link("cases.case", "attachments")),
            ("note", link("cases.note", "attachments", blank=True, null=True)),
            ("uploaded_by", link(USER)),
        ],
        options={
            "ordering": ["uploaded_at"],
            "permissions": [("download_attachment", "Can download attachments")],
            "constraints": [models.UniqueConstraint(fields=["stored_name"], name="attachment_file_once")],
        },
    ),
]
