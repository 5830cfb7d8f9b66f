"""Free text of people: encrypted, so that audit events can point at it and never hold it."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from cases.models.case import Case
from dsrportal.fields import EncryptedTextField


class Note(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = EncryptedTextField(key="case.data_key")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["created_at"]

    def __str__(self) -> str:
        return f"Note {self.pk}"
