"""A form of our own that opens cases through the intake API, known by its token."""

from typing import Any, ClassVar, Final

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

MOST_PER_MINUTE: Final = 6000


class IntakeSource(models.Model):
    """Of the token only its SHA-256 is kept: it is 256 random bits, so that the hash says nothing about it."""

    name = models.CharField(
        _("name"), max_length=100, unique=True, help_text=_("Your team’s name for this form.")
    )
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    active = models.BooleanField(default=True, editable=False)
    # What it may open, by the words of RequestType and Regulation.
    types = models.JSONField(default=list)
    regulations = models.JSONField(default=list)
    per_minute = models.PositiveIntegerField(
        _("requests a minute"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_MINUTE)],
        help_text=_("Maximum number of calls in any 60 seconds. Further calls have to wait."),
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    token_made_at = models.DateTimeField(editable=False)
    # To the hour: enough to see that a form is not used any more.
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("intake source")
        verbose_name_plural = _("intake sources")
        default_permissions = ("add", "change", "view")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(per_minute__gte=1, per_minute__lte=MOST_PER_MINUTE),
                name="intake_source_per_minute_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
