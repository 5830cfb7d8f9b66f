"""Cases that come in as a file: the import, what of it was opened, and what was wrong with the rest."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case
from cases.models.worded import SentenceField, Worded
from dsrportal.fields import EncryptedTextField, SealedModel
from dsrportal.models import DataKey


class ImportState(models.TextChoices):
    """Where an import stands. Checking opens nothing; what was discarded was never imported."""

    CHECKING = "checking", _("Checking")
    CHECKED = "checked", _("Checked")
    IMPORTING = "importing", _("Importing")
    FINISHED = "finished", _("Finished")
    STOPPED = "stopped", _("Stopped")
    DISCARDED = "discarded", _("Discarded")


class StopReason(models.TextChoices):
    """Why the portal did not go on, as a sentence."""

    NOT_ALLOWED = "not_allowed", _("The user who started it may no longer import cases.")
    UNREADABLE = "unreadable", _("The stored file cannot be read. Upload it again.")
    FAILING = "failing", _("It failed several times at the same place. The worker log shows the reason.")


# The portal works at these in the background.
WORKING: frozenset[str] = frozenset({ImportState.CHECKING, ImportState.IMPORTING})


class CaseImport(SealedModel):
    """One file of cases, encrypted under a key of its own, which is destroyed when the file is deleted.

    The place up to which it was worked through is written with what was opened there, in one transaction.
    """

    folder: ClassVar[str] = "imports/"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+", editable=False)
    # None once the file is deleted.
    file_name = EncryptedTextField(key="data_key", null=True)
    stored_name = models.CharField(max_length=200, blank=True, editable=False)
    size_bytes = models.PositiveBigIntegerField(editable=False)
    source = models.CharField(
        max_length=64,
        blank=True,
        default="",
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9._-]+\Z", _("Use letters, digits, points, hyphens and underscores only.")
            )
        ],
    )
    # The names of the columns, in their order, and what separates them: how each further line is read.
    columns = models.JSONField(default=list, editable=False)
    separator = models.CharField(max_length=1, editable=False)
    row_count = models.PositiveIntegerField(editable=False)

    state = models.CharField(_("state"), max_length=16, choices=ImportState.choices, editable=False)
    stop_reason = models.CharField(max_length=16, choices=StopReason.choices, blank=True, editable=False)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    uploaded_at = models.DateTimeField(editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    # Whoever starts it opens each of its cases, from there.
    started_from = models.GenericIPAddressField(null=True, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    expires_at = models.DateTimeField(help_text=_("When the portal deletes the file."), editable=False)

    # How far it is: the first byte and line not yet worked through, and what came of those before.
    position = models.PositiveBigIntegerField(default=0, editable=False)
    line = models.PositiveIntegerField(default=0, editable=False)
    rows_done = models.PositiveIntegerField(default=0, editable=False)
    good = models.PositiveIntegerField(default=0, editable=False)
    known = models.PositiveIntegerField(default=0, editable=False)
    failed = models.PositiveIntegerField(default=0, editable=False)
    # Of the good ones, how many of each type.
    by_type = models.JSONField(default=dict, editable=False)

    lease_until = models.DateTimeField(null=True, editable=False)
    lease_token = models.UUIDField(null=True, editable=False)
    # Claims since something was last got done.
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        default_permissions = ("add", "view")
        ordering: ClassVar[list[str]] = ["-uploaded_at"]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["state"], condition=Q(state__in=["checking", "importing"]), name="import_under_way"
            ),
            models.Index(fields=["-uploaded_at"], name="import_by_upload"),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_known"),
            models.CheckConstraint(
                condition=Q(state="stopped") ^ Q(stop_reason=""), name="import_stopped_for_a_reason"
            ),
            models.CheckConstraint(
                condition=Q(started_at__isnull=True, started_by__isnull=True)
                | Q(started_at__isnull=False, started_by__isnull=False),
                name="import_started_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["importing", "finished"]) | Q(started_at__isnull=False),
                name="import_is_started_first",
            ),
        ]

    def __str__(self) -> str:
        return gettext("Import %(key)s") % {"key": self.pk}

    @property
    def associated(self) -> bytes:
        """What its file is bound to."""
        return f"cases.CaseImport:{self.pk}".encode()


class ImportedRow(models.Model):
    """A row that became a case, by keyed hashes that say nothing without the key: the same row opens no second one."""

    case = models.OneToOneField(Case, on_delete=models.PROTECT, related_name="imported_row")
    case_import = models.ForeignKey(CaseImport, on_delete=models.PROTECT, related_name="rows")
    line = models.PositiveIntegerField()
    # Of all that the row asks.
    content = models.BinaryField(max_length=32)
    # Of its reference within its source; None where it has none.
    reference = models.BinaryField(max_length=32, null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["content"], name="imported_row_content_once"),
            models.UniqueConstraint(fields=["reference"], name="imported_row_reference_once"),
        ]

    def __str__(self) -> str:
        return f"Line {self.line} of import {self.case_import_id}"


class ImportFailure(Worded):
    """Why one row was not, or would not be, opened: a sentence without any value of the row."""

    case_import = models.ForeignKey(
        CaseImport, on_delete=models.CASCADE, related_name="failures", db_index=False
    )
    line = models.PositiveIntegerField()
    sentence = SentenceField()

    class Meta:
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["line", "id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["case_import", "line"], name="failure_by_line")]

    def __str__(self) -> str:
        return f"Line {self.line} of import {self.case_import_id}"
