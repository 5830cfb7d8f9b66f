"""Groups of requests at a processor: asked for together, in one call."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from integrations.models import Processor


class RequestGroup(models.Model):
    """Requests that one call reports on. Filled one slot at a time up to the processor's group size."""

    processor = models.ForeignKey(
        Processor, on_delete=models.PROTECT, related_name="groups", editable=False, db_index=False
    )
    # What goes out as `group_id`; in an address, so it says nothing of anybody.
    name = models.CharField(max_length=64, editable=False)
    # Slots given away; a slot is never given back, because the processor does not forget either.
    size = models.PositiveSmallIntegerField(default=0, editable=False)
    # Named on a case: takes that case's requests and those of other cases that name it, no others.
    explicit = models.BooleanField(default=False, editable=False)
    # Whoever moves this on asks; nobody else does for a while.
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["processor", "name"], name="group_name_once_a_processor"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["processor", "-id"], condition=Q(explicit=False), name="group_newest"),
        ]

    def __str__(self) -> str:
        return self.name
