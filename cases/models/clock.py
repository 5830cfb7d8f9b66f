"""Legal deadlines: rows, not columns."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from cases.models.case import Case


class ClockKind(models.TextChoices):
    RESPONSE = "response", gettext_lazy("Response")


class Clock(models.Model):
    """One legal deadline of one case. Dates are local to `zone`; `due_at` is the first instant too late (UTC)."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="clocks")
    kind = models.CharField(max_length=20, choices=ClockKind.choices)
    rule = models.CharField(max_length=64)
    rule_version = models.CharField(max_length=32)
    calendar_version = models.CharField(max_length=64)
    zone = models.CharField(max_length=64)
    started_on = models.DateField()
    nominal_on = models.DateField(
        help_text=gettext_lazy("The last safe day, before moving to a working day.")
    )
    due_on = models.DateField()
    due_at = models.DateTimeField(db_index=True)
    satisfied_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["case", "kind"], name="clock_one_per_kind"),
            models.CheckConstraint(
                condition=models.Q(
                    due_on__gte=models.F("nominal_on"), nominal_on__gte=models.F("started_on")
                ),
                name="clock_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} due {self.due_on}"
