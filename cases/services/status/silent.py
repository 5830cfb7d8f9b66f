"""Silent processors and the cases that wait for them, computed for the desk."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from cases.lifecycle import DERIVED
from cases.models import AttentionItem, AttentionKind, Case, ProcessorRequest
from cases.services.cached import cached
from cases.services.dispatch import waits
from cases.services.reports import polling
from cases.services.status import health


def silent(*, now: datetime) -> set[UUID]:
    """Processors that give no word: asked in vain for so long, or whose callbacks should have come."""
    after = timedelta(seconds=health.CALLBACKS_LATE_SECONDS)
    # It looks at all that is in flight, and lists ask for it with every page.
    late = cached("silent:1", seconds=20, compute=lambda: waits.silent_processors(now=now, after=after))
    in_vain = AttentionItem.objects.filter(kind=AttentionKind.SILENT, resolved_at__isnull=True)
    asked = in_vain.filter(processor__isnull=False).values_list("processor", flat=True)
    return late | {key for key in asked if key is not None}


def waiting(*, now: datetime) -> QuerySet[Case]:
    """Cases that wait for a processor that gives no word."""
    asked = ProcessorRequest.objects.filter(
        processor__in=silent(now=now), status__in=polling.SENT, replaced_by__isnull=True, task__isnull=True
    )
    return Case.objects.filter(status__in=sorted(DERIVED), pk__in=asked.order_by().values("case"))
