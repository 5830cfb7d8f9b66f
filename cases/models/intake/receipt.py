"""The intake receipt: what a source was answered when it opened a case, so that asking again opens no second one."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from cases.models.case import Case
from cases.models.intake.source import IntakeSource
from dsrportal.fields import EncryptedTextField, SealedModel


class IntakeReceipt(SealedModel):
    """One for each case that was opened through the intake API.

    The hashes are keyed and forgotten after a while; then a key of the source's is as good as new.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(IntakeSource, on_delete=models.PROTECT, related_name="receipts")
    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="intake_receipt")
    key_hash = models.BinaryField(max_length=32, null=True)
    body_hash = models.BinaryField(max_length=32, null=True)
    # The body of the first answer: reference, status and due date, nothing personal.
    answer = models.JSONField()
    # How the source calls the request itself, which may say who asked; and which language the person reads.
    external_reference = EncryptedTextField(key="case.data_key", blank=True, default="")
    language = models.CharField(max_length=35, blank=True, default="")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["made_at"], condition=Q(key_hash__isnull=False), name="intake_receipt_remembered"
            ),
        ]
        constraints: ClassVar[list[Any]] = [
            # Of two calls at once with the same key one opens the case; the other is told of it.
            models.UniqueConstraint(fields=["source", "key_hash"], name="intake_receipt_key_once"),
            models.CheckConstraint(
                condition=Q(key_hash__isnull=True, body_hash__isnull=True)
                | Q(key_hash__isnull=False, body_hash__isnull=False),
                name="intake_receipt_hashes_together",
            ),
        ]

    def __str__(self) -> str:
        return f"Receipt {self.pk}"
