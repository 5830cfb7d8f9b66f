"""The result package: what an access or portability request returned."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from cases.models.request import ProcessorRequest
from dsrportal.fields import EncryptedJSONField, SealedModel


class PackageState(models.TextChoices):
    FETCHED = "fetched", gettext_lazy("Fetched")
    NO_DATA = "no_data", gettext_lazy("No data held")
    MISSED = "missed", gettext_lazy("No longer available when fetched")
    TOO_LARGE = "too_large", gettext_lazy("Larger than allowed")
    EXPIRED = "expired", gettext_lazy("Deleted after its expiry")
    SEALED = "sealed", gettext_lazy("Sealed because it is doubtful")


class ResultPackage(SealedModel):
    """One result, encrypted under its case's key in file storage; the hash and size are of the clear bytes."""

    folder: ClassVar[str] = ""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    processor_request = models.OneToOneField(
        ProcessorRequest, on_delete=models.PROTECT, related_name="result_package"
    )
    state = models.CharField(max_length=16, choices=PackageState.choices)
    stored_name = models.CharField(max_length=200, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    # One word for why a sealed one is in doubt.
    doubt = models.CharField(max_length=32, blank=True)
    # What it holds (`integrations.types.PackageSummary` as a mapping); None before it was looked into.
    summary = EncryptedJSONField(key="processor_request.case.data_key", null=True, blank=True)
    fetched_at = models.DateTimeField()
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text=gettext_lazy("When the portal deletes its copy.")
    )

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=~models.Q(state__in=[PackageState.FETCHED, PackageState.SEALED])
                | (~models.Q(stored_name="") & ~models.Q(sha256="") & models.Q(size_bytes__isnull=False)),
                name="package_fetched_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(state=PackageState.SEALED) ^ models.Q(doubt=""),
                name="package_sealed_for_a_doubt",
            ),
        ]

    def __str__(self) -> str:
        return f"Package {self.pk}"

    @property
    def associated(self) -> bytes:
        """What its file is bound to: a file of another package does not open as this one's."""
        return f"cases.ResultPackage:{self.pk}".encode()
