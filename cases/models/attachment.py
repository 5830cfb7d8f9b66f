"""Files that people put with a case: a letter, a proof, what a person sent."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from cases.models.case import Case
from cases.models.note import Note
from dsrportal.fields import EncryptedTextField, SealedModel


class Attachment(SealedModel):
    """One file, encrypted under its case's key, its name too; the hash and size are of the clear bytes.

    Part of the record: it stays as it came, also when the case is closed.
    """

    folder: ClassVar[str] = "attachments/"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="attachments")
    # What was said about it.
    note = models.ForeignKey(
        Note, on_delete=models.PROTECT, null=True, blank=True, related_name="attachments"
    )
    name = EncryptedTextField(key="case.data_key")
    # Of services.attachable, found from the bytes.
    media_type = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    stored_name = models.CharField(max_length=200)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["uploaded_at"]
        permissions: ClassVar[list[Any]] = [("download_attachment", gettext_noop("Can download attachments"))]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["stored_name"], name="attachment_file_once"),
        ]

    def __str__(self) -> str:
        return f"Attachment {self.pk}"

    @property
    def associated(self) -> bytes:
        """What its file is bound to: a file of another attachment does not open as this one's."""
        return f"cases.Attachment:{self.pk}".encode()
