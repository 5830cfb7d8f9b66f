"""Opens attention items for processors that stay silent, and for completions that are past their promised time.

Looked for with every round of the schedule, by statements over all requests at once.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.actor import REPORT, SCHEDULE
from cases.lifecycle import RequestStatus
from cases.models import AttentionItem, AttentionKind, ProcessorRequest
from cases.services import attention, progress
from cases.services.refusal import Superseded
from cases.services.reports import polling
from dsrportal.sentence import Sentence, Word
from integrations.models import Processor

# Report intervals without a word, though asked, after which a processor is called silent: a day of hours.
INTERVALS_OF_SILENCE = 24
# Items of one round at most; what is left is found by the next.
AT_ONCE = 1000


def watch() -> None:
    """Show what is past its expected completion, and settle silences that have ended."""
    now = timezone.now()
    for request_id in past_expected(now=now).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]:
        _show_past_expected(request_id, now=now)
    for item in AttentionItem.objects.filter(
        kind=AttentionKind.SILENT, resolved_at__isnull=True
    ).select_related("processor"):
        if item.processor is not None and not unheard(item.processor, now=now).exists():
            with suppress(Superseded):
                attention.resolve(item, actor=SCHEDULE, resolution="answered")


def past_expected(*, now: datetime) -> QuerySet[ProcessorRequest]:
    """Requests that by a word after their expected completion are still in flight, and of which nobody was told.

    One that was shown since is not shown again, even if a person has settled it: only another expected time is new.
    """
    shown = AttentionItem.objects.filter(
        kind=AttentionKind.PAST_EXPECTED,
        processor_request=OuterRef("pk"),
        opened_at__gt=OuterRef("expected_completion_at"),
    )
    return ProcessorRequest.objects.filter(
        ~Exists(shown),
        status__in=polling.SENT,
        expected_completion_at__lt=now,
        reported_at__gt=F("expected_completion_at"),
    ).order_by()


def _show_past_expected(request_id: UUID, *, now: datetime) -> None:
    with progress.locked_request(request_id) as request:
        # Again, now that nobody else can write it.
        expected = request.expected_completion_at
        if expected is not None and past_expected(now=now).filter(pk=request_id).exists():
            attention.open_item(
                AttentionKind.PAST_EXPECTED,
                Sentence(
                    "%(processor)s expected to be done by %(expected)s but still reports the status "
                    "%(status)s. Ask them about the delay.",
                    processor=request.processor.name,
                    expected=expected,
                    status=Word(RequestStatus(request.status).label),
                ),
                actor=SCHEDULE,
                request=request,
            )
            progress.settle(request.case, actor=SCHEDULE)


def unheard(processor: Processor, *, now: datetime) -> QuerySet[ProcessorRequest]:
    """Requests in flight of which nothing was heard for so long that the processor counts as silent."""
    since = now - _longest(processor)
    return ProcessorRequest.objects.filter(
        processor=processor, status__in=polling.SENT, reported_at__lt=since
    ).order_by()


def _longest(processor: Processor) -> timedelta:
    return max(INTERVALS_OF_SILENCE * polling.interval(), polling.usual_rest(processor.kind))


def note_unanswered(processor: Processor, *, asked_in_vain: Collection[int | UUID]) -> None:
    """After a round in which these groups (by key) and requests were asked for in vain: one item for the processor.

    Its sentence counts, so it is not the sentence that keeps it from being opened twice. Once a person has settled it,
    the silence must last as long again.
    """
    now = timezone.now()
    silent = unheard(processor, now=now)
    groups = [key for key in asked_in_vain if isinstance(key, int)]
    requests = [key for key in asked_in_vain if isinstance(key, UUID)]
    if not silent.filter(Q(group__in=groups) | Q(pk__in=requests)).exists():
        return
    known = AttentionItem.objects.filter(
        Q(resolved_at__isnull=True) | Q(resolved_by__isnull=False, resolved_at__gt=now - _longest(processor)),
        kind=AttentionKind.SILENT,
        processor=processor,
    )
    with transaction.atomic():
        Processor.objects.select_for_update(no_key=True).get(pk=processor.pk)
        if known.exists():
            return
        waiting = silent.aggregate(count=Count("pk"), since=Min("reported_at"))
        if waiting["since"] is None:
            return
        what = (
            Sentence("1 request")
            if waiting["count"] == 1
            else Sentence("%(count)s requests", count=waiting["count"])
        )
        attention.open_item(
            AttentionKind.SILENT,
            Sentence(
                "%(processor)s sends no update on %(what)s, the first since %(since)s, although it is "
                "asked regularly. Check whether it is available, or ask them.",
                processor=processor.name,
                what=what,
                since=waiting["since"],
            ),
            actor=REPORT,
            processor=processor,
        )
