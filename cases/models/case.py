"""The case: what one person asked of us, under one regulation, of one type."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy, gettext_noop

from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, Outcome
from cases.models.intake.source import IntakeSource
from cases.models.subject import DataSubject
from cases.models.tag import Tag
from dsrportal.models import DataKey
from integrations.types import Regulation, RequestType


class VerificationMethod(models.TextChoices):
    MATCHED_DATA = "matched_data", gettext_lazy("Data points matched")
    EMAIL_CONFIRMED = "email_confirmed", gettext_lazy("E-mail address confirmed")
    DOCUMENT_SEEN = "document_seen", gettext_lazy("Document seen")
    SIGNED_IN = "signed_in", gettext_lazy("Request made while signed in")
    AUTHORISED_AGENT = "authorised_agent", gettext_lazy("Authorised agent with proof")


class Case(models.Model):
    """One request of one person. The legal clock starts at `received_at`; `status` says whose turn it is.

    `status` and `outcome` are written by `services.transition` alone.
    """

    reference = models.CharField(gettext_lazy("reference"), max_length=20, unique=True, editable=False)
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+", editable=False)
    subject = models.ForeignKey(DataSubject, on_delete=models.PROTECT, related_name="cases", editable=False)
    type = models.CharField(gettext_lazy("type"), max_length=16, choices=RequestType.choices)
    regulation = models.CharField(gettext_lazy("regulation"), max_length=8, choices=Regulation.choices)
    received_at = models.DateTimeField(
        gettext_lazy("received at"),
        help_text=gettext_lazy("When the request was received. The legal deadline is counted from then."),
    )
    skip_waiting_period = models.BooleanField(
        default=False,
        help_text=gettext_lazy(
            "Erasures only: asks mParticle to skip the seven days in which the request can be cancelled."
        ),
    )
    group_name = models.CharField(
        gettext_lazy("group"),
        max_length=64,
        blank=True,
        default="",
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9._-]+\Z",
                gettext_lazy("Use letters, digits, points, hyphens and underscores only."),
            )
        ],
        help_text=(
            gettext_lazy(
                "Only if the processor should report on this case's requests together with others of "
                "the same group. The name appears in URLs. Do not use personal data. If empty, the "
                "portal forms the groups itself."
            )
        ),
    )

    # Of a GDPR opt-out: what consent is taken back for, by the names that the processors have for it.
    purposes = models.JSONField(default=list, blank=True)
    # An erasure waits for this access or portability case of the same person; whoever released it wins over that.
    blocked_by = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="blocks", editable=False
    )
    block_released_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Of what was closed as a duplicate: the case that goes on. Never a duplicate itself (`services.duplicate_closing`).
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates", editable=False
    )

    status = models.CharField(
        gettext_lazy("status"),
        max_length=16,
        choices=CaseStatus.choices,
        default=CaseStatus.INTAKE,
        editable=False,
    )
    outcome = models.CharField(
        gettext_lazy("outcome"), max_length=20, choices=Outcome.choices, blank=True, editable=False
    )
    status_changed_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)

    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assigned_cases",
        editable=False,
    )
    # Until then nobody needs to look at it; the legal clock runs on.
    follow_up_on = models.DateField(null=True, blank=True, editable=False)
    tags = models.ManyToManyField(Tag, blank=True, related_name="cases", editable=False)

    opened_at = models.DateTimeField(auto_now_add=True)
    # By a person, or through a form of our own: one of the two. Of the latter, nobody changed it yet.
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    intake_source = models.ForeignKey(
        IntakeSource, on_delete=models.PROTECT, null=True, blank=True, related_name="cases", editable=False
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    verification_method = models.CharField(
        max_length=20, choices=VerificationMethod.choices, blank=True, editable=False
    )
    # Who sent the link that the person confirmed, or may yet confirm: nobody else verified the person then.
    verification_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    approved_at = models.DateTimeField(null=True, blank=True, editable=False)
    # SHA-256 over the plan and the identities that were approved; any change makes it differ.
    approval_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = gettext_lazy("case")
        verbose_name_plural = gettext_lazy("cases")
        permissions: ClassVar[list[Any]] = [
            ("verify_case", gettext_noop("Can verify requesters")),
            ("assign_case", gettext_noop("Can assign, defer and tag cases")),
            ("plan_case", gettext_noop("Can change the plan and the identifiers of a case")),
            ("search_case", gettext_noop("Can search processors for data subjects")),
            ("release_case", gettext_noop("Can release erasures from hold")),
            ("approve_case", gettext_noop("Can approve or deny a case")),
            ("withdraw_case", gettext_noop("Can record the withdrawal of a case")),
            ("cancel_case", gettext_noop("Can cancel requests at processors")),
            ("refresh_case", gettext_noop("Can check the status at processors and retry")),
            ("close_case", gettext_noop("Can close a case with its outcome")),
            ("reopen_case", gettext_noop("Can reopen a closed case")),
            ("reveal_identity", gettext_noop("Can reveal identifiers, with a reason")),
            ("download_package", gettext_noop("Can download result packages")),
            ("export_case", gettext_noop("Can export lists of cases")),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "-id"], name="case_by_status"),
            # What came in and what was closed within some weeks.
            models.Index(fields=["received_at"], name="case_by_receipt"),
            models.Index(fields=["closed_at"], condition=Q(closed_at__isnull=False), name="case_by_closing"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(type__in=RequestType.values), name="case_type_known"),
            models.CheckConstraint(
                condition=Q(regulation__in=Regulation.values), name="case_regulation_known"
            ),
            models.CheckConstraint(condition=Q(status__in=CaseStatus.values), name="case_status_known"),
            models.CheckConstraint(
                condition=Q(status=CaseStatus.CLOSED, outcome__in=Outcome.values, closed_at__isnull=False)
                | (~Q(status=CaseStatus.CLOSED) & Q(outcome="", closed_at__isnull=True)),
                name="case_outcome_iff_closed",
            ),
            models.CheckConstraint(
                condition=Q(verified_at__isnull=True, verified_by__isnull=True, verification_method="")
                | (Q(verified_at__isnull=False, verified_by__isnull=False) & ~Q(verification_method=""))
                # The person's own doing: nobody here has seen it.
                | Q(
                    verified_at__isnull=False,
                    verified_by__isnull=True,
                    verification_method=VerificationMethod.EMAIL_CONFIRMED,
                ),
                name="case_verified_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(type__in=sorted(UNVERIFIED_TYPES))
                | Q(verified_at__isnull=False)
                | (Q(approved_at__isnull=True) & ~Q(status=CaseStatus.READY)),
                name="case_verified_before_approval",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by__isnull=True, approval_digest="")
                | (Q(approved_at__isnull=False, approved_by__isnull=False) & ~Q(approval_digest="")),
                name="case_approved_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(opened_by__isnull=False, intake_source__isnull=True)
                | Q(opened_by__isnull=True, intake_source__isnull=False),
                name="case_opened_by_one",
            ),
            models.CheckConstraint(
                condition=Q(changed_by__isnull=False) | Q(intake_source__isnull=False),
                name="case_changed_by_someone",
            ),
            # Four eyes: who opened, verified or last changed it cannot approve what cannot be undone. Each null is
            # spelt out, since a check lets pass what it cannot tell.
            models.CheckConstraint(
                condition=~Q(type__in=["erasure", "correction"])
                | Q(approved_by__isnull=True)
                | (
                    (Q(opened_by__isnull=True) | ~Q(approved_by=F("opened_by")))
                    & (Q(changed_by__isnull=True) | ~Q(approved_by=F("changed_by")))
                    & (Q(verified_by__isnull=True) | ~Q(approved_by=F("verified_by")))
                ),
                name="case_second_person_approves",
            ),
            models.CheckConstraint(
                condition=~Q(type__in=["erasure", "correction"])
                | Q(approved_by__isnull=True)
                | Q(verification_asked_by__isnull=True)
                | ~Q(approved_by=F("verification_asked_by")),
                name="case_link_sender_does_not_approve",
            ),
            models.CheckConstraint(
                condition=Q(blocked_by__isnull=True) | Q(type="erasure", block_released_at__isnull=True),
                name="case_blocked_only_as_erasure",
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.DUPLICATE, duplicate_of__isnull=False)
                | (~Q(outcome=Outcome.DUPLICATE) & Q(duplicate_of__isnull=True)),
                name="case_duplicate_iff_of_another",
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of__isnull=True) | ~Q(duplicate_of=F("id")),
                name="case_no_duplicate_of_itself",
            ),
            models.CheckConstraint(
                condition=Q(skip_waiting_period=False) | Q(type="erasure"),
                name="case_skips_wait_only_for_erasure",
            ),
        ]

    def __str__(self) -> str:
        return self.reference
