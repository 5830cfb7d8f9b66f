"""Free text of people: encrypted, so that audit events can point at it and never hold it."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from cases.models.case import Case
from dsrportal.fields import EncryptedTextField, SealedModel


class Note(SealedModel):
    """Part of the record: the portal's own role may add and read notes, never change or delete one (`db_grants`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    # What it answers; an answer is not answered itself, its thread is.
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replies"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = EncryptedTextField(key="case.data_key")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at"]

    def __str__(self) -> str:
        return f"Note {self.pk}"


class Mention(models.Model):
    """Somebody's name in a note, and whether they have read it. It gives no right to anything."""

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="mentions")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mentions", db_index=False
    )
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = gettext_lazy("mention")
        verbose_name_plural = gettext_lazy("mentions")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["user", "note"], name="mention_once_a_note"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["user", "-id"], condition=Q(read_at__isnull=True), name="mention_unread"),
            models.Index(fields=["user", "-id"], name="mention_by_user"),
        ]

    def __str__(self) -> str:
        return f"Mention {self.pk}"
