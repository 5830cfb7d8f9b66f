"""One verb done to many cases: the list is frozen when it is previewed, and its rows are the queue."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.worded import SentenceField, Worded
from dsrportal.fields import EncryptedJSONField, SealedModel
from dsrportal.models import DataKey


class BulkVerb(models.TextChoices):
    VERIFY = "verify", _("Record verification")
    ASSIGN = "assign", _("Assign")
    TAG = "tag", _("Change tags")
    APPROVE = "approve", _("Approve")
    DENY = "deny", _("Deny")
    CANCEL = "cancel", _("Cancel requests")
    CLOSE = "close", _("Close")


class BulkState(models.TextChoices):
    # The list is frozen; of an approval each plan is still being read.
    PREPARING = "preparing", _("Being prepared")
    PREVIEWED = "previewed", _("Waiting for confirmation")
    RUNNING = "running", _("Running")
    UNDOING = "undoing", _("Being undone")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Stopped")


class RowState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    LEFT_OUT = "left_out", _("Skipped")
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")
    # Done, and waits to be taken back.
    UNDOING = "undoing", _("To be undone")
    UNDONE = "undone", _("Undone")


class BulkRun(SealedModel):
    """One verb, said once, for a frozen list of cases. Whoever started it is asked for their rights at each row.

    The lease keeps two workers off the same run; that no row is done twice rests on the row's own lock and state.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+", editable=False)
    verb = models.CharField(_("what"), max_length=16, choices=BulkVerb.choices, editable=False)
    # What the form said: may hold free text.
    said = EncryptedJSONField(key="data_key", default=dict)
    state = models.CharField(max_length=16, choices=BulkState.choices, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    # How many rows are in which state, as of the last chunk: for the list of runs alone.
    counts = models.JSONField(default=dict, editable=False)
    # What the preview showed, in numbers and names of processors: it is what was confirmed.
    preview = models.JSONField(default=dict, editable=False)

    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    # The client's address, for the audit events of its rows.
    address = models.GenericIPAddressField(null=True, blank=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("bulk run")
        verbose_name_plural = _("bulk runs")
        ordering: ClassVar[list[Any]] = ["-created_at"]
        default_permissions = ("view",)
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["-created_at"], name="bulk_run_newest"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["preparing", "running", "undoing"]),
                name="bulk_run_open",
            ),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(state__in=BulkState.values), name="bulk_run_state_known"),
            models.CheckConstraint(condition=Q(verb__in=BulkVerb.values), name="bulk_run_verb_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["running", "undoing", "done"]) | Q(confirmed_at__isnull=False),
                name="bulk_run_confirmed_before_it_runs",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_verb_display()} {self.pk}"


class BulkRow(Worded):
    """One case of a run. `code` says why it was left out, `sentence` why it was refused: without personal data."""

    run = models.ForeignKey(BulkRun, on_delete=models.PROTECT, related_name="rows", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="bulk_rows")
    state = models.CharField(max_length=16, choices=RowState.choices)
    code = models.CharField(max_length=32, blank=True)
    sentence = SentenceField(blank=True)
    # Of an approval: that of the plan at the preview.
    digest = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[Any]] = ["id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(F("run"), F("state"), F("id"), name="bulk_row_by_state"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "case"], name="bulk_row_once_a_case"),
            models.CheckConstraint(condition=Q(state__in=RowState.values), name="bulk_row_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} #{self.pk}"
