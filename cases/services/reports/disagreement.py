"""A processor that contradicts itself: it told us one thing of a request, and says another when asked.

The answer to a question is the truth of its moment. Ours may be later than that only where a callback came while the
question was under way.
"""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.actor import REPORT
from cases.lifecycle import FINISHED, REPORTED_MOVES, RequestStatus
from cases.models import AttentionItem, AttentionKind, CallbackDelivery, ProcessorRequest, Verdict
from cases.services import attention, progress
from dsrportal.sentence import Sentence, Word
from integrations.types import Report, ReportedStatus


def is_one(request: ProcessorRequest, report: Report, *, asked_at: datetime) -> bool:
    """Whether a report asked for at `asked_at` denies what a locked request has been told before that."""
    return (
        report.status not in (ReportedStatus.UNRECOGNISED, request.status)
        and request.status != RequestStatus.PLANNED
        and str(report.status) not in REPORTED_MOVES[request.status]
        and request.status_changed_at < asked_at
    )


def is_doubted_by_callback(request: ProcessorRequest, report: Report) -> bool:
    """Whether a callback denies how a request ended, so that it must be asked for. A merely late one does not."""
    if request.status not in FINISHED or report.status == request.status:
        return False
    # Of a request that was cancelled before it was ever sent, no word can be late.
    return str(report.status) in FINISHED or request.sent_at is None


def known_items(request: Any, since: Any) -> QuerySet[AttentionItem]:
    """Items that stand for a request (a key, or a reference to one): open, or settled by a person.

    A person's decision stands. `since` is when the request came to its status: what was open before is another matter.
    """
    return AttentionItem.objects.filter(
        Q(resolved_at__isnull=True) | Q(resolved_by__isnull=False),
        kind=AttentionKind.DISAGREEMENT,
        processor_request=request,
        opened_at__gte=since,
    )


def show(request: ProcessorRequest, report: Report, *, asked_at: datetime) -> None:
    """Put both sides to a human, once, and settle the locked case. A later word that agrees settles the item."""
    word = report.raw_status[:64]
    said_before = request.reported_status == word
    ProcessorRequest.objects.filter(pk=request.pk).update(reported_at=timezone.now(), reported_status=word)
    known = known_items(request.pk, request.status_changed_at)
    if not (known if said_before else known.filter(resolved_at__isnull=True)).exists():
        attention.open_item(
            AttentionKind.DISAGREEMENT,
            _both_sides(request, report, asked_at=asked_at),
            actor=REPORT,
            request=request,
        )
    progress.settle(request.case, actor=REPORT)


def _both_sides(request: ProcessorRequest, report: Report, *, asked_at: datetime) -> Sentence:
    name, says = request.processor.name, Word(report.status.label)
    asked = Sentence("in the status check of %(moment)s", moment=asked_at)
    if request.sent_at is None:
        return Sentence(
            "A request to %(name)s was cancelled here before it was sent, but %(asked)s the processor "
            "reported “%(says)s”. Ask them to cancel it, or let it be carried out.",
            name=name,
            asked=asked,
            says=says,
        )
    held = Word(RequestStatus(request.status).label)
    return Sentence(
        "%(name)s reported “%(held)s” (%(way)s), but %(asked)s it reported “%(says)s”. Ask them which "
        "is correct.",
        name=name,
        held=held,
        way=_by_which_way(request),
        asked=asked,
        says=says,
    )


def _by_which_way(request: ProcessorRequest) -> Sentence:
    delivery = (
        CallbackDelivery.objects.filter(
            processor_request=request, verdict=Verdict.APPLIED, reported_status=request.status
        )
        .order_by("received_at")
        .first()
    )
    if delivery is not None:
        return Sentence("callback of %(moment)s", moment=delivery.received_at)
    return Sentence("response of %(moment)s", moment=request.status_changed_at)
