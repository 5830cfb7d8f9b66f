"""Signed callbacks as they arrived: evidence, kept encrypted and never changed in substance."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext, gettext_lazy

from cases.models.request import ProcessorRequest
from dsrportal.fields import EncryptedBinaryField, EncryptedJSONField, SealedModel
from dsrportal.models import DataKey
from integrations.models import Processor, SigningCertificate


class Verdict(models.TextChoices):
    """What came of a delivery whose signature was good."""

    RECEIVED = "received", gettext_lazy("Received, not yet applied")
    APPLIED = "applied", gettext_lazy("Applied")
    NOTHING_NEW = "nothing_new", gettext_lazy("Nothing new")
    MALFORMED = "malformed", gettext_lazy("Body cannot be read")
    FOREIGN_ACCOUNT = "foreign_account", gettext_lazy("Names another workspace")
    FOREIGN_ADDRESS = "foreign_address", gettext_lazy("Names another callback address")
    OTHER_PROCESSOR = "other_processor", gettext_lazy("Request belongs to another processor")
    UNKNOWN_REQUEST = "unknown_request", gettext_lazy("Unknown request")
    UNKNOWN_STATUS = "unknown_status", gettext_lazy("Unknown status reported")


# Stored and applied to nothing.
NOT_FOR_US = frozenset(
    {
        Verdict.MALFORMED,
        Verdict.FOREIGN_ACCOUNT,
        Verdict.FOREIGN_ADDRESS,
        Verdict.OTHER_PROCESSOR,
        Verdict.UNKNOWN_REQUEST,
    }
)
# Whatever a human should look at.
FOR_A_HUMAN = NOT_FOR_US | {Verdict.UNKNOWN_STATUS}


class CallbackDelivery(SealedModel):
    """One signed POST: raw bytes, the headers that matter, the certificate, and what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_key = models.ForeignKey(DataKey, on_delete=models.PROTECT, related_name="+", db_index=False)
    # Found by the constraint on processor and body: every index less makes a burst of callbacks faster.
    processor = models.ForeignKey(
        Processor,
        verbose_name=gettext_lazy("processor"),
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_index=False,
    )
    processor_request = models.ForeignKey(
        ProcessorRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    certificate = models.ForeignKey(
        SigningCertificate, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    received_at = models.DateTimeField(gettext_lazy("received at"), db_index=True)
    address = models.GenericIPAddressField(gettext_lazy("address"), null=True, blank=True)
    body = EncryptedBinaryField(key="data_key")
    headers = EncryptedJSONField(key="data_key", default=dict)
    body_sha256 = models.CharField(max_length=64)
    reported_status = models.CharField(max_length=64, blank=True)
    verdict = models.CharField(
        gettext_lazy("processing result"), max_length=20, choices=Verdict.choices, default=Verdict.RECEIVED
    )
    applied_at = models.DateTimeField(null=True, blank=True)
    repeats = models.PositiveIntegerField(
        default=0, help_text=gettext_lazy("How often the same body was received again.")
    )

    class Meta:
        verbose_name = gettext_lazy("callback delivery")
        verbose_name_plural = gettext_lazy("callback deliveries")
        constraints: ClassVar[list[Any]] = [
            # The same verified body twice is one delivery. Nothing signed says when or how often a callback is sent, so
            # that a captured one verifies for ever: https://docs.mparticle.com/developers/apis/dsr-api/v3/
            models.UniqueConstraint(fields=["processor", "body_sha256"], name="delivery_once_per_body"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["received_at"],
                condition=models.Q(verdict=Verdict.RECEIVED),
                name="delivery_unapplied",
            ),
        ]

    def __str__(self) -> str:
        return gettext("Delivery %(key)s") % {"key": self.pk}
