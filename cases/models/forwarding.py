"""The forwarding extension: what a processor reports of one partner it forwards to."""

import uuid
from typing import Any, ClassVar

from django.db import models

from cases.models.request import ProcessorRequest
from dsrportal.fields import EncryptedTextField, SealedModel
from integrations.types import PartnerStatus


class ForwardingExtension(SealedModel):
    """One partner of one request. Several outputs may share a domain, so domain and name are the key.

    `sent` means that the partner acknowledged receipt, not that it deleted anything.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    processor_request = models.ForeignKey(
        ProcessorRequest, on_delete=models.PROTECT, related_name="forwarding_extensions"
    )
    domain = models.CharField(max_length=253)
    name = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=16, choices=PartnerStatus.choices)
    raw_status = models.CharField(max_length=64, blank=True)
    # A partner's own words: they may quote what was sent to it.
    message = EncryptedTextField(key="processor_request.case.data_key", blank=True)
    first_reported_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["domain", "name"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["processor_request", "domain", "name"], name="forwarding_one_per_partner"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.domain}: {self.get_status_display()}"
