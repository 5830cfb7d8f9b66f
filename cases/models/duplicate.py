"""Two cases that look like one request, made twice."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from cases.models.case import Case


class PossibleDuplicate(models.Model):
    """One pair of cases that were shown to be about the same person, asking for the same; `first` has the lower key.

    A suggestion and no more: nothing follows from it but that somebody looks. Once dismissed it stays, so that nobody
    is asked twice.
    """

    first = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", db_index=False)
    second = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
            models.CheckConstraint(
                condition=Q(dismissed_at__isnull=True, dismissed_by__isnull=True)
                | Q(dismissed_at__isnull=False, dismissed_by__isnull=False),
                name="duplicate_dismissed_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"Possible duplicate {self.pk}"
