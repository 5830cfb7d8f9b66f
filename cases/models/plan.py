"""Processors that a plan leaves out."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from cases.models.case import Case
from cases.models.worded import SentenceField, Worded
from integrations.models import Processor


class SkippedProcessor(Worded):
    """One processor that a case asks nothing of, and why. Part of what is approved.

    `skipped_by` is the person who left it out; None where the processor cannot serve the case.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="skipped_processors")
    processor = models.ForeignKey(Processor, on_delete=models.PROTECT, related_name="+", db_index=False)
    # A code of LEFT_OUT_REASONS where a person left it out.
    reason = models.CharField(max_length=32, blank=True)
    # Without personal data.
    sentence = SentenceField(max_length=1000)
    skipped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["case", "processor"], name="skipped_once_a_case"),
        ]

    def __str__(self) -> str:
        return str(self.sentence)
