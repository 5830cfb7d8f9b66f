"""The processor request: what one case asks of one processor."""

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from cases.lifecycle import IN_FLIGHT, Answer, RequestStatus
from cases.models.case import Case
from cases.models.group import RequestGroup
from cases.models.subject import SubjectIdentity
from integrations.models import Processor


class ProcessorRequest(models.Model):
    """One request to one processor, with at most one value per identity type.

    The row is the queue: `queued` and due rows are claimed by lease, sent, and recorded. `status` and
    `answer` are written by `services.transition` alone. Claimed attempts without a recorded answer
    (`attempts > answered_attempts`) mean that the outcome is unknown: ask before sending again.
    """

    # OpenDSR v3: a UUID v4, created once and kept through every retry.
    subject_request_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="requests", editable=False)
    processor = models.ForeignKey(
        Processor, on_delete=models.PROTECT, related_name="requests", editable=False, db_index=False
    )
    identities = models.ManyToManyField(SubjectIdentity, related_name="requests", editable=False)
    position = models.PositiveSmallIntegerField(default=0, editable=False)
    skip_waiting_period = models.BooleanField(default=False, editable=False)
    # A slot in a group, taken at the first claim; one call then asks for all of them.
    group = models.ForeignKey(
        RequestGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="requests", editable=False
    )
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by", editable=False
    )

    # Made by hand after the approval, for a partner that failed or was skipped.
    for_partner = models.OneToOneField(
        "ForwardingExtension",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="task_request",
        editable=False,
    )

    status = models.CharField(
        max_length=16, choices=RequestStatus.choices, default=RequestStatus.PLANNED, editable=False
    )
    answer = models.CharField(max_length=16, choices=Answer.choices, blank=True, editable=False)
    # A sentence of the processor's kind beside the answer, without personal data.
    remark = models.CharField(max_length=300, blank=True, editable=False)
    status_changed_at = models.DateTimeField(editable=False)

    # Set at approval: a planned request without it was dropped before anyone approved it.
    queued_at = models.DateTimeField(null=True, blank=True, editable=False)
    # When the law wants the case answered: the order in which requests leave.
    due_at = models.DateTimeField(editable=False)
    # Approved, and not to be sent while its case is blocked by another.
    held = models.BooleanField(default=False, editable=False)
    # Approved in bulk: until then nothing is sent and the approval can be taken back. Empty once that is over, so that
    # what is due has an index of its own (see `services.cooling`).
    not_before_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    answered_attempts = models.PositiveIntegerField(default=0, editable=False)
    last_error = models.CharField(max_length=32, blank=True, editable=False)
    last_http_status = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    last_answer_bytes = models.PositiveIntegerField(null=True, blank=True, editable=False)
    cancel_requested_at = models.DateTimeField(null=True, blank=True, editable=False)

    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    reported_at = models.DateTimeField(null=True, blank=True, editable=False)
    reported_status = models.CharField(max_length=64, blank=True, editable=False)
    expected_completion_at = models.DateTimeField(null=True, blank=True, editable=False)
    expected_completion_raw = models.CharField(max_length=64, blank=True, editable=False)
    results_url = models.CharField(max_length=2000, blank=True, editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar[list[str]] = ["case_id", "position"]
        # Each costs at every status change; one on text, named as a field's own, would come twice (for LIKE).
        indexes: ClassVar[list[Any]] = [
            # What is due, in the order in which it leaves: a claim reads its first rows and sorts nothing.
            models.Index(
                "processor",
                "due_at",
                "subject_request_id",
                condition=Q(not_before_at__isnull=True)
                & (
                    Q(status=RequestStatus.QUEUED)
                    | Q(status=RequestStatus.PENDING, cancel_requested_at__isnull=False)
                ),
                name="request_due",
            ),
            models.Index(
                "processor",
                "not_before_at",
                condition=Q(status=RequestStatus.QUEUED, not_before_at__isnull=False),
                name="request_cooling",
            ),
            models.Index(
                "processor",
                "reported_at",
                condition=Q(status__in=[RequestStatus.PENDING, RequestStatus.IN_PROGRESS]),
                name="request_in_flight",
            ),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(status__in=RequestStatus.values), name="request_status_known"),
            models.CheckConstraint(
                condition=Q(answer="") | Q(status=RequestStatus.COMPLETED, answer__in=Answer.values),
                name="request_answer_when_completed",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__isnull=True, lease_token__isnull=True)
                | Q(lease_until__isnull=False, lease_token__isnull=False),
                name="request_lease_has_token",
            ),
            models.CheckConstraint(
                condition=Q(answered_attempts__lte=F("attempts")), name="request_answers_follow_attempts"
            ),
        ]

    def __str__(self) -> str:
        return str(self.subject_request_id)

    @property
    def outcome_unknown(self) -> bool:
        return self.attempts > self.answered_attempts

    @property
    def earlier_attempt_unknown(self) -> bool:
        """While claimed: whether an attempt before the present one is still without an answer."""
        return self.attempts - 1 > self.answered_attempts

    @property
    def in_flight(self) -> bool:
        return self.status in IN_FLIGHT
