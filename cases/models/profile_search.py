"""The profile search: what a processor answered when it was asked whether it knows a person."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from cases.models.case import Case
from cases.models.request import ProcessorRequest
from dsrportal.fields import EncryptedTextField, SealedModel
from integrations.models import Processor


class Purpose(models.TextChoices):
    PREVIEW = "preview", gettext_lazy("Before the request")
    CONFIRMATION = "confirmation", gettext_lazy("After the erasure")


class Finding(models.TextChoices):
    FOUND = "found", gettext_lazy("Profile found")
    NOT_FOUND = "not_found", gettext_lazy("No profile found")
    UNKNOWN = "unknown", gettext_lazy("Could not be searched")


class ProfileSearch(SealedModel):
    """One question and its answer. A profile that is not found is no proof of erasure, and one that is found after it
    can be a new one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="searches")
    processor = models.ForeignKey(Processor, on_delete=models.PROTECT, related_name="+", db_index=False)
    # Of a confirmation.
    processor_request = models.ForeignKey(
        ProcessorRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="searches"
    )
    purpose = models.CharField(max_length=16, choices=Purpose.choices)
    finding = models.CharField(max_length=16, choices=Finding.choices)
    # The processor's own name for the person (at mParticle the mpid).
    profile_id = EncryptedTextField(key="case.data_key", blank=True)
    # Types of the identities that matched; no values.
    matched = models.JSONField(default=list, blank=True)
    # A code of integrations.errors where it could not be asked.
    error = models.CharField(max_length=32, blank=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name_plural = "profile searches"
        ordering: ClassVar[list[str]] = ["asked_at"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(purpose=Purpose.PREVIEW) | Q(processor_request__isnull=False),
                name="search_confirms_a_request",
            ),
            models.CheckConstraint(
                condition=Q(finding=Finding.UNKNOWN) | Q(error=""), name="search_failed_or_found"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}: {self.get_finding_display()}"
