"""Handles failed attempts: try again and when, ask first, pause, or ask a human."""

import logging
import random
from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from cases.actor import REPORT, SCHEDULE
from cases.lifecycle import FINISHED, RequestStatus
from cases.models import AttentionKind, ProcessorRequest
from cases.services import attention, progress, transition
from cases.services.processors import accounts
from dsrportal.sentence import Sentence
from integrations.errors import Conflict, IntegrationError, RateLimited, Rejected, Unauthorized
from integrations.models import Processor
from integrations.types import Report

logger = logging.getLogger(__name__)

ATTEMPTS_BEFORE_ATTENTION = 8
CONFLICT_WAIT_SECONDS = 3600.0


def record(request: ProcessorRequest, error: IntegrationError) -> None:
    """Record a failed attempt of a claimed request; under a stale lease token it is ignored."""
    logger.info("Request %s: %s (HTTP %s)", request.pk, error.code, error.http_status)
    with progress.recorded(request, settled_by=SCHEDULE) as current:
        if current is None:
            return
        if isinstance(error, Unauthorized):
            _release(current, error, wait_seconds=None)
            accounts.pause_for_credentials(current.processor, error, actor=REPORT)
        elif isinstance(error, Conflict):
            _release(current, error, wait_seconds=CONFLICT_WAIT_SECONDS)
            _open_conflict(current)
        elif isinstance(error, Rejected) and current.status == RequestStatus.QUEUED:
            _refuse(current, error)
        else:
            wait = error.retry_after_seconds if isinstance(error, RateLimited) else None
            _release(current, error, wait_seconds=wait or backoff_seconds(current.attempts))
            if current.attempts >= ATTEMPTS_BEFORE_ATTENTION and not isinstance(error, RateLimited):
                _open_exhausted(current)


def backoff_seconds(attempts: int) -> float:
    """2^k ± U(0, 2^(k-1)) s, as Leanplum wants it (docs.leanplum.com: Responses), up to an hour; by chance, so that a
    crowd does not come back at once."""
    middle = min(2.0 ** min(attempts, 12), 2400.0)
    return middle + random.uniform(-middle / 2, middle / 2)  # noqa: S311 - jitter, not a secret


def _release(request: ProcessorRequest, error: IntegrationError, *, wait_seconds: float | None) -> None:
    """Give up the lease. Only where the outcome is known does the attempt count as answered."""
    again = None if wait_seconds is None else timezone.now() + timedelta(seconds=wait_seconds)
    fields: transition.Fields = {
        "lease_until": None,
        "lease_token": None,
        "next_attempt_at": again,
        "last_error": error.code,
        "last_http_status": error.http_status,
        "last_answer_bytes": error.size,
    }
    if error.outcome_known and not request.earlier_attempt_unknown:
        fields["answered_attempts"] = F("attempts")
    ProcessorRequest.objects.filter(pk=request.pk).update(**fields)


def _refuse(request: ProcessorRequest, error: IntegrationError) -> None:
    transition.move_request(
        request,
        RequestStatus.FAILED,
        actor=REPORT,
        reason=error.code,
        fields={
            "lease_until": None,
            "lease_token": None,
            # What is refused now says nothing of an attempt before it whose answer was lost.
            **({} if request.earlier_attempt_unknown else {"answered_attempts": F("attempts")}),
            "last_error": error.code,
            "last_http_status": error.http_status,
        },
    )
    attention.open_item(
        AttentionKind.REFUSED,
        Sentence(
            "%(sentence)s Request to %(processor)s: find out why, then retry. Or cancel it and respond "
            "manually.",
            sentence=error.sentence,
            processor=request.processor.name,
        ),
        actor=REPORT,
        request=request,
    )


def release_from_conflict() -> None:
    """Who waited for another request of ours is due at once when that one has finished meanwhile.

    The few that wait lead to their identities, and these to the others: the other way round, every sweep would look at
    all that ever finished. A row that another hand holds is left to the next sweep: no case is locked here.
    """
    rows = ProcessorRequest.objects.filter(
        status=RequestStatus.QUEUED,
        not_before_at=None,
        last_error=Conflict.code,
        next_attempt_at__gt=timezone.now(),
    ).order_by()
    waiting: dict[tuple[UUID, str, bytes], list[tuple[UUID, datetime]]] = defaultdict(list)
    for processor, kind, index, key, again in rows.values_list(
        "processor", "case__type", "identities__blind_index", "pk", "next_attempt_at"
    ):
        if index is not None and again is not None:
            refused_at = again - timedelta(seconds=CONFLICT_WAIT_SECONDS)
            waiting[processor, kind, bytes(index)].append((key, refused_at))
    if not waiting:
        return
    finished = (
        ProcessorRequest.objects.filter(
            identities__blind_index__in={index for _processor, _kind, index in waiting}, status__in=FINISHED
        )
        .order_by()
        .values_list("processor", "case__type", "identities__blind_index")
        .annotate(Max("status_changed_at"))
    )
    freed = {
        key
        for processor, kind, index, finished_at in finished
        for key, refused_at in waiting.get((processor, kind, bytes(index)), ())
        if finished_at > refused_at
    }
    with transaction.atomic():
        held = rows.filter(pk__in=freed).select_for_update(skip_locked=True, of=("self",))
        ProcessorRequest.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(
            next_attempt_at=None
        )


def _in_the_way(request: ProcessorRequest) -> ProcessorRequest | None:
    """Another request of ours for one of the same identities that the processor is working on."""
    mine = [bytes(index) for index in request.identities.values_list("blind_index", flat=True)]
    return (
        ProcessorRequest.objects.filter(
            processor=request.processor,
            case__type=request.case.type,
            status__in=[RequestStatus.PENDING, RequestStatus.IN_PROGRESS],
            identities__blind_index__in=mine,
        )
        .exclude(pk=request.pk)
        .select_related("case")
        .first()
    )


def _open_conflict(request: ProcessorRequest) -> None:
    """Opens an item that names the request in the way, if it is one of ours.

    The answer 409 does not name it: https://docs.mparticle.com/developers/apis/dsr-api/v3/
    """
    other = _in_the_way(request)
    which = (
        Sentence("that of case %(case)s", case=other.case.reference)
        if other
        else Sentence("one that this portal did not send")
    )
    attention.open_item(
        AttentionKind.CONFLICT,
        Sentence(
            "%(processor)s is still working on another request for the same identifiers, %(which)s. "
            "This one waits. It is tried again when the other one is finished, and every hour.",
            processor=request.processor.name,
            which=which,
        ),
        actor=REPORT,
        request=request,
    )


def _open_exhausted(request: ProcessorRequest) -> None:
    attention.open_item(
        AttentionKind.RETRIES_EXHAUSTED,
        Sentence(
            "%(processor)s has given no usable response in %(count)s attempts. The portal keeps trying.",
            processor=request.processor.name,
            count=ATTEMPTS_BEFORE_ATTENTION,
        ),
        actor=SCHEDULE,
        request=request,
    )


def open_gone(request: ProcessorRequest) -> None:
    attention.open_item(
        AttentionKind.GONE,
        Sentence(
            "%(processor)s no longer knows a request that it had accepted. Ask them what happened to it.",
            processor=request.processor.name,
        ),
        actor=REPORT,
        request=request,
    )


def is_paused(processor: Processor) -> bool:
    """Whether nothing may be sent there now: it, or everything outgoing, is paused."""
    return not Processor.objects.sending().filter(pk=processor.pk).exists()


def account_is_ours(processor: Processor, report: Report) -> bool:
    """Whether the answer came from the workspace we meant. Proves it the first time; pauses where it did not."""
    if not report.account:
        return True
    if report.account != processor.account:
        accounts.pause_for_account(processor, actor=REPORT)
        return False
    if processor.account_proven_at is None:
        Processor.objects.filter(pk=processor.pk, account_proven_at=None).update(
            account_proven_at=timezone.now()
        )
        processor.account_proven_at = timezone.now()
    return True


def release_unanswered(request: ProcessorRequest) -> None:
    """Give up the lease of an attempt whose answer does not count."""
    with transaction.atomic():
        ProcessorRequest.objects.filter(pk=request.pk, lease_token=request.lease_token).update(
            lease_until=None, lease_token=None
        )
