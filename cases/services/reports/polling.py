"""Polling times of requests, computed from what was heard of them, never stored.

Word comes by itself, by callback. Asking is for where it is late or lost, and more often where much hangs on it.
All lengths follow REPORT_INTERVAL_SECONDS, so that a portal under test polls quickly.
"""

from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet

from cases.lifecycle import FINISHED, RequestStatus
from cases.models import (
    AttentionItem,
    AttentionKind,
    CallbackDelivery,
    ProcessorRequest,
    RequestGroup,
    Verdict,
)
from cases.services.progress import WITH_RESULT
from integrations.connector import Capability
from integrations.models import Processor
from integrations.registry import connector_class

# With the processor, and not finished there as far as we know.
SENT = frozenset({RequestStatus.PENDING, RequestStatus.IN_PROGRESS})

# https://docs.mparticle.com/guides/data-subject-requests/: access is gathered just after midnight on Mondays and
# Thursdays, and the expected completion has a margin of 48 hours.
GATHERING_DAYS = frozenset({0, 3})
MARGIN = timedelta(hours=48)
# Callbacks are queued and sent every 15 minutes; the first one is late after five more.
FIRST_WORD_SECONDS = 1200.0
# A group that was asked for a moment ago is left alone, whatever came of it: for longer than a round of reports lasts,
# so that no other round asks again for what its own list still holds.
REST_SECONDS = 60.0
# Requests that are asked for one by one, at most in one go.
ALONE_AT_ONCE = 500


def interval() -> timedelta:
    """How long a request may go unheard of before it is asked for."""
    return timedelta(seconds=settings.REPORT_INTERVAL_SECONDS)


def near_interval() -> timedelta:
    """The same, where something is about to happen to it."""
    return interval() / 4


def first_word() -> timedelta:
    """How long after sending the first callback may take."""
    return min(timedelta(seconds=FIRST_WORD_SECONDS), interval() / 3)


def usual_rest(kind: str) -> timedelta:
    """How long a request of a kind that asks slowly usually goes unheard of, with as much again for what goes wrong."""
    pace = connector_class(kind).report_pace
    return 2 * pace * interval() if pace > 1 else timedelta(0)


def rest() -> timedelta:
    return min(timedelta(seconds=REST_SECONDS), interval() / 4)


def asks(processor: Processor) -> bool:
    """Whether a processor can be asked where its requests stand."""
    return Capability.REPORTS in connector_class(processor.kind).capabilities


def due(processor: Processor, *, now: datetime) -> QuerySet[ProcessorRequest]:
    """Requests in flight at a processor that are to be asked for at `now`; at a slower pace where its kind wants it.

    The first condition holds for all that the others let through; it is what the index `request_in_flight` serves.
    """
    pace = connector_class(processor.kind).report_pace
    unheard = Q(reported_at__isnull=True)
    near = Q(expected_completion_at__lte=now + MARGIN) | Q(cancel_requested_at__isnull=False)
    if now.astimezone(UTC).weekday() in GATHERING_DAYS:
        near |= Q(case__type__in=sorted(WITH_RESULT))
    # The answer to our own call is the only word so far: no callback has followed it, or none ever will.
    no_callback = Q(reported_at=F("sent_at"), sent_at__lte=now - first_word())
    return ProcessorRequest.objects.filter(
        unheard | Q(reported_at__lte=now - min(near_interval(), first_word())),
        unheard
        | Q(reported_at__lte=now - interval() * pace)
        | (near & Q(reported_at__lte=now - near_interval() * pace))
        | no_callback,
        processor=processor,
        status__in=SENT,
    ).order_by()


def groups(processor: Processor, *, now: datetime) -> list[RequestGroup]:
    """Groups with a due member, but for those asked for a moment ago; oldest asked first."""
    with_due = RequestGroup.objects.filter(
        _rested(now), pk__in=due(processor, now=now).values("group"), processor=processor
    )
    return list(with_due.order_by(F("asked_at").asc(nulls_first=True), "pk"))


def take(group: RequestGroup, *, now: datetime) -> bool:
    """Be the one who asks for a group: of two jobs at once one gets it, and nobody else until it has rested."""
    return bool(RequestGroup.objects.filter(_rested(now), pk=group.pk).update(asked_at=now))


def give_back(group: RequestGroup, *, taken_at: datetime) -> None:
    """Nobody asked after all. `group` is as it was before it was taken."""
    RequestGroup.objects.filter(pk=group.pk, asked_at=taken_at).update(asked_at=group.asked_at)


def _rested(now: datetime) -> Q:
    return Q(asked_at__isnull=True) | Q(asked_at__lte=now - rest())


def alone(processor: Processor, *, now: datetime) -> list[UUID]:
    """Requests that are to be asked for one by one: those without a group, and finished ones that are in doubt."""
    groupless = due(processor, now=now).filter(group=None).order_by("reported_at", "pk")
    return [*groupless.values_list("pk", flat=True)[:ALONE_AT_ONCE], *doubtful(processor.pk, now=now)]


def doubtful(processor_id: UUID, *, now: datetime) -> set[UUID]:
    """Finished requests of which the processor has said something else, and that were not asked for since.

    Either that is known and waits for a later word; or a callback said so of late, which wakes the asking itself, and
    this is for when that wake was lost.
    """
    known = AttentionItem.objects.filter(
        kind=AttentionKind.DISAGREEMENT,
        resolved_at__isnull=True,
        processor_request__processor=processor_id,
        processor_request__status__in=FINISHED,
        processor_request__reported_at__lte=now - interval(),
    )
    unheard_since = Q(processor_request__reported_at__isnull=True) | Q(
        processor_request__reported_at__lt=F("received_at")
    )
    contradicting = CallbackDelivery.objects.filter(
        unheard_since,
        # Of one that was cancelled here before it was sent, any word is too much.
        Q(reported_status__in=FINISHED) | Q(processor_request__sent_at__isnull=True),
        processor=processor_id,
        received_at__gt=now - interval(),
        verdict=Verdict.NOTHING_NEW,
        processor_request__status__in=FINISHED,
    ).exclude(reported_status=F("processor_request__status"))
    found = [
        rows.values_list("processor_request", flat=True)[:ALONE_AT_ONCE] for rows in (known, contradicting)
    ]
    return {key for key in chain(*found) if key is not None}


def is_anything_due(processor: Processor, *, now: datetime) -> bool:
    if not asks(processor):
        return False
    return due(processor, now=now).exists() or bool(doubtful(processor.pk, now=now))
