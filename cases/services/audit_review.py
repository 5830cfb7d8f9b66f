"""Reading the trail in bulk: who takes a copy of it leaves a trace as well."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.db.models import Count, QuerySet, Window

from cases.actor import Actor
from cases.models import Action, AuditEvent
from cases.services import audit


def export(events: QuerySet[Any], *, actor: Actor) -> Iterator[AuditEvent]:
    """The events, read through a cursor of the server's. That they were exported is written before the first is given.

    The number comes with the rows themselves, so that it is exact even while others write.
    """
    found: Iterator[Any] = events.annotate(exported=Window(Count("pk"))).iterator(chunk_size=1000)
    first = next(found, None)
    count = first.exported if first else 0
    audit.record(Action.AUDIT_EXPORTED, actor=actor, details={"count": count})
    return chain([first], found) if first else iter(())
