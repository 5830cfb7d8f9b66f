"""Everything outgoing at once: paused, resumed, and what of it is paused now. Callbacks are taken regardless."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cases.actor import Actor
from cases.models import Action
from cases.services import audit
from cases.services.processors import concurrency
from cases.services.refusal import Superseded
from dsrportal.database.prepared import Prepared
from dsrportal.sentence import Sentence
from integrations.models import Processor, SendingPause


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause that stands: of everything where it names no processor."""

    since: datetime
    reason: str
    processor_id: UUID | None = None
    name: str = ""


def pause(*, actor: Actor, reason: str) -> None:
    """Send nothing to any processor. Raises Superseded where everything is paused already."""
    with transaction.atomic():
        if not SendingPause.objects.filter(paused_at=None).update(
            paused_at=timezone.now(), paused_reason=reason
        ):
            raise Superseded(Sentence("All sending is already paused."))
        audit.record(Action.OUTGOING_PAUSED, actor=actor, reason=reason)


def resume(*, actor: Actor) -> None:
    """Send again, but to processors that are paused themselves. Raises Superseded where nothing was paused."""
    with transaction.atomic():
        paused = SendingPause.objects.filter(paused_at__isnull=False).first()
        if paused is None or not SendingPause.objects.filter(paused_at=paused.paused_at).update(
            paused_at=None, paused_reason=""
        ):
            raise Superseded(Sentence("Sending is not paused."))
        audit.record(Action.OUTGOING_RESUMED, actor=actor, reason=paused.paused_reason)
        for processor_id in Processor.objects.sending().values_list("pk", flat=True):
            concurrency.wake(processor_id)


def is_paused() -> bool:
    return SendingPause.objects.filter(paused_at__isnull=False).exists()


def _paused() -> QuerySet[SendingPause]:
    paused = Processor.objects.filter(paused_at__isnull=False).order_by("name")
    row = JSONObject(id="pk", name="name", since="paused_at", reason="paused_reason")
    return SendingPause.objects.order_by("pk").annotate(processors=ArraySubquery(paused.values_list(row)))[:1]


# Every page of the desk asks it, beside other things: see `read`.
PAUSED: Final = Prepared(_paused)


# A row where all sending is paused, none otherwise.
EVERYTHING_PAUSED: Final = Prepared(
    lambda: SendingPause.objects.filter(paused_at__isnull=False).values_list("pk", flat=True)
)


def pauses() -> list[Pause]:
    """All pauses that stand, everything's first, then processors by name; in one query."""
    return list(read(PAUSED.ask()))


def read(found: list[SendingPause]) -> Iterator[Pause]:
    """The same of the answer to `PAUSED`."""
    for outgoing in found:
        if outgoing.paused_at:
            yield Pause(outgoing.paused_at, outgoing.paused_reason)
        for each in outgoing.processors:  # type: ignore[attr-defined]
            since = parse_datetime(each["since"])
            if since is not None:
                yield Pause(since, each["reason"], UUID(each["id"]), each["name"])
