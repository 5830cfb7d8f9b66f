"""Things a human must decide."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy, gettext_noop

from cases.models.case import Case
from cases.models.request import ProcessorRequest
from cases.models.worded import SentenceField, Worded
from integrations.models import Processor


class AttentionKind(models.TextChoices):
    CREDENTIALS = "credentials", gettext_lazy("Credentials refused")
    ACCOUNT_MISMATCH = "account_mismatch", gettext_lazy("Response from another workspace")
    REFUSED = "refused", gettext_lazy("Processor refused the request")
    CONFLICT = "conflict", gettext_lazy("Blocked by another request")
    GONE = "gone", gettext_lazy("Request unknown to the processor")
    RETRIES_EXHAUSTED = "retries_exhausted", gettext_lazy("No response after many attempts")
    CANCEL_REFUSED = "cancel_refused", gettext_lazy("Cancel came too late")
    UNKNOWN_STATUS = "unknown_status", gettext_lazy("Unknown status reported")
    PAST_EXPECTED = "past_expected", gettext_lazy("Expected completion has passed")
    SILENT = "silent", gettext_lazy("No update from the processor")
    DISAGREEMENT = "disagreement", gettext_lazy("Callback and status report disagree")
    PARTNER_FAILED = "partner_failed", gettext_lazy("Partner failed")
    RESULT_MISSED = "result_missed", gettext_lazy("Result could not be stored")
    RESULT_IN_DOUBT = "result_in_doubt", gettext_lazy("Result is doubtful and sealed")
    HELD = "held", gettext_lazy("On hold for too long")
    REAPPEARED = "reappeared", gettext_lazy("Data subject found after erasure")
    TASK_OVERDUE = "task_overdue", gettext_lazy("Manual task is overdue")
    FOREIGN_CALLBACK = "foreign_callback", gettext_lazy("Callback is not for this portal")


class AttentionItem(Worded):
    """One thing a human must decide, in one sentence without personal data. Open until resolved."""

    kind = models.CharField(gettext_lazy("kind"), max_length=24, choices=AttentionKind.choices)
    sentence = SentenceField(max_length=1000)
    case = models.ForeignKey(
        Case, on_delete=models.PROTECT, null=True, blank=True, related_name="attention_items"
    )
    processor_request = models.ForeignKey(
        ProcessorRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="attention_items"
    )
    processor = models.ForeignKey(
        Processor, on_delete=models.PROTECT, null=True, blank=True, related_name="attention_items"
    )
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # One word, e.g. `decided`, `resumed`, `retried`: why it is no longer open.
    resolution = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = gettext_lazy("attention item")
        verbose_name_plural = gettext_lazy("attention items")
        permissions: ClassVar[list[Any]] = [
            ("resolve_attentionitem", gettext_noop("Can resolve attention items"))
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["kind", "case", "processor_request", "processor", "sentence"],
                condition=Q(resolved_at__isnull=True),
                nulls_distinct=False,
                name="attention_open_once",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolution="")
                | (Q(resolved_at__isnull=False) & ~Q(resolution="")),
                name="attention_resolved_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.sentence)
