"""Verification of a person: the rules, the attempts, and the links that were sent."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.lifecycle import UNVERIFIED_TYPES
from cases.models.case import Case, VerificationMethod
from cases.models.note import Note
from cases.models.subject import SubjectIdentity
from integrations.types import Regulation, RequestType

MOST_DATA_POINTS = 8
MOST_LINK_DAYS = 30


class VerificationRule(models.Model):
    """What is asked of a person for one type of request under one law.

    None is ever made for an opt-out: 11 CCR 7026(d) and 7060(b) forbid asking.
    """

    type = models.CharField(_("type"), max_length=16, choices=RequestType.choices, editable=False)
    regulation = models.CharField(_("regulation"), max_length=8, choices=Regulation.choices, editable=False)
    methods = models.JSONField(_("methods"))
    data_points = models.PositiveSmallIntegerField(
        _("data points that must match"),
        validators=[MinValueValidator(1), MaxValueValidator(MOST_DATA_POINTS)],
        help_text=_(
            "CCPA: two for a reasonable degree of certainty, three for a reasonably high one (11 CCR 7062)."
        ),
    )
    declaration = models.BooleanField(
        _("signed declaration"),
        help_text=_(
            "If data points are matched, a declaration signed under penalty of perjury must also be on "
            "file (11 CCR 7062, where specific pieces of data are disclosed)."
        ),
    )
    link_days = models.PositiveSmallIntegerField(
        _("validity of an e-mail link in days"),
        validators=[MinValueValidator(1), MaxValueValidator(MOST_LINK_DAYS)],
    )

    class Meta:
        verbose_name = _("verification rule")
        verbose_name_plural = _("verification rules")
        default_permissions = ("view", "change")
        ordering: ClassVar[list[str]] = ["regulation", "type"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["type", "regulation"], name="verification_rule_once"),
            models.CheckConstraint(
                condition=Q(type__in=sorted(set(RequestType.values) - UNVERIFIED_TYPES))
                & Q(regulation__in=Regulation.values),
                name="verification_rule_for_verifiable_types",
            ),
            models.CheckConstraint(condition=~Q(methods=[]), name="verification_rule_allows_something"),
            models.CheckConstraint(
                condition=Q(data_points__range=(1, MOST_DATA_POINTS), link_days__range=(1, MOST_LINK_DAYS)),
                name="verification_rule_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()} · {self.get_regulation_display()}"


class Verification(models.Model):
    """One attempt and what came of it. Rows are added, never changed; `details` holds codes, no personal data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="verifications")
    method = models.CharField(max_length=20, choices=VerificationMethod.choices)
    passed = models.BooleanField()
    details = models.JSONField(default=dict)
    note = models.ForeignKey(Note, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    # Nobody where the person confirmed it alone.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["at"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(by__isnull=False) | Q(method=VerificationMethod.EMAIL_CONFIRMED),
                name="verification_recorded_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"Verification {self.pk}"


class LinkState(models.TextChoices):
    """Where a confirmation link stands; told from its row, never stored."""

    WAITING = "waiting", _("Waiting to be sent")
    REFUSED = "refused", _("Could not be delivered")
    SENT = "sent", _("Sent")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    USED = "used", _("Confirmed")


class EmailConfirmation(models.Model):
    """A link sent to one e-mail address of a case. The row is the outbox: what was not sent is tried again.

    Of the link's token only the SHA-256 is kept; a token is made for each attempt to send.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="email_confirmations")
    # None once the identity was removed; its link is cancelled then.
    identity = models.ForeignKey(SubjectIdentity, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    valid_days = models.PositiveSmallIntegerField()
    token_hash = models.BinaryField(max_length=32, null=True, unique=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # None once it was sent, and where trying again is of no use.
    next_attempt_at = models.DateTimeField(null=True, default=timezone.now)
    # The class of the last error, never its words: a mail server quotes the address in them.
    last_error = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    # Also when it expired: from then on it stands in nobody's way.
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["asked_at"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(used_at__isnull=True, cancelled_at__isnull=True),
                name="email_confirmation_one_open_a_case",
            ),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(cancelled_at__isnull=True, sent_at__isnull=False),
                name="email_confirmation_used_or_cancelled",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(sent_at__isnull=True, cancelled_at__isnull=True),
                name="email_confirmation_unsent",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(used_at__isnull=True, cancelled_at__isnull=True),
                name="email_confirmation_open",
            ),
        ]

    def __str__(self) -> str:
        return f"E-mail confirmation {self.pk}"

    @property
    def state(self) -> LinkState:
        if self.used_at is not None:
            return LinkState.USED
        if self.sent_at is None and self.next_attempt_at is None:
            return LinkState.REFUSED
        ended = self.cancelled_at or timezone.now()
        if self.expires_at is not None and self.expires_at <= ended:
            return LinkState.EXPIRED
        if self.cancelled_at is not None:
            return LinkState.CANCELLED
        if self.sent_at is not None:
            return LinkState.SENT
        return LinkState.WAITING
