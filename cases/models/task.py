"""The manual task: what a person does at a system that the portal cannot reach."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy, gettext_noop

from cases.models.note import Note
from cases.models.request import ProcessorRequest


class ManualTask(models.Model):
    """The work behind one request to a manual processor; a person attests that it is done, with a note."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    processor_request = models.OneToOneField(ProcessorRequest, on_delete=models.PROTECT, related_name="task")
    # Of the processor, as they were when the task was made; without personal data.
    instructions = models.TextField(blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    due_on = models.DateField()
    attested_at = models.DateTimeField(null=True, blank=True)
    attested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    note = models.ForeignKey(Note, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = gettext_lazy("manual task")
        verbose_name_plural = gettext_lazy("manual tasks")
        permissions: ClassVar[list[Any]] = [
            ("attest_manualtask", gettext_noop("Can attest manual tasks")),
            ("assign_manualtask", gettext_noop("Can create and assign manual tasks")),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(attested_at__isnull=True, attested_by__isnull=True, note__isnull=True)
                | Q(attested_at__isnull=False, attested_by__isnull=False, note__isnull=False),
                name="task_attested_by_someone_with_note",
            ),
        ]

    def __str__(self) -> str:
        return f"Task {self.pk}"
