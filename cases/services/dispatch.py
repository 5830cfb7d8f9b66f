"""Sending what is queued: claim by lease, call outside any transaction, record under the case's lock.

The row is the queue. A claim writes lease, token and attempt; a result that comes with a stale token is
ignored. An attempt without a recorded answer means that nobody knows whether it arrived: the processor is
asked for that id before anything is sent again, and never under a second id.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from cases.actor import REPORT, SCHEDULE, Actor
from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest, Verdict
from cases.services import failures, groups, inquiries, lanes, progress, reports, sending, transition
from cases.services.refusal import Superseded
from integrations.connector import Connector
from integrations.errors import (
    AlreadyExists,
    IntegrationError,
    NotSent,
    RateLimited,
    Rejected,
    TooLate,
    UnexpectedAnswer,
    UnknownRequest,
)
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import Report, RequestType

logger = logging.getLogger(__name__)

BATCH = 10
LEASE_SECONDS = 40
# The longest that one call usually takes, waiting for the budget included; a lease is renewed to outlast it.
CALL_SECONDS = 30
DRAIN_SECONDS = 30.0
# A wait up to this is slept through where the budget is taken; for a longer one the lane ends and is woken in time.
PATIENCE_SECONDS = 2.0
# While all goes well, how long a lane may go on after someone paused its processor.
PAUSE_SEEN_SECONDS = 1.0
# A batch is no larger than what its lane may send in this time, so that what waits longest is not held by a lease.
BATCH_SECONDS = 10


def due(*, now: datetime) -> QuerySet[ProcessorRequest]:
    """What waits to be sent, or to be cancelled, and that nobody is working on; by legal due date."""
    return ProcessorRequest.objects.filter(
        Q(status=RequestStatus.QUEUED) | Q(status=RequestStatus.PENDING, cancel_requested_at__isnull=False),
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
        Q(lease_until__isnull=True) | Q(lease_until__lt=now),
        held=False,
    ).order_by("due_at", "pk")


def run_lane(processor_id: UUID) -> None:
    """One lane: as many threads as there are batches waiting, up to its own number."""
    waiting = due(now=timezone.now()).filter(processor=processor_id)[: BATCH * lanes.THREADS].count()
    lanes.side_by_side(drain, processor_id, threads=min(lanes.THREADS, -(-waiting // BATCH)))


def drain(processor_id: UUID) -> None:
    """Work through what is due for 30 s at most; if any is left then, wake a successor.

    Looking for due rows is the last act, so that a row that became due meanwhile is not left behind.
    """
    stop_at = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < stop_at:
        processor = Processor.objects.sending().select_related("data_key").filter(pk=processor_id).first()
        if processor is None:
            return
        try:
            wait = sending.wait_seconds(processor)
            claimed = claim(processor, new_requests=wait <= PATIENCE_SECONDS)
            if not claimed:
                if wait > PATIENCE_SECONDS:
                    lanes.wake_later(processor_id, seconds=wait)
                return
            work(connector_for(processor), claimed)
        except RateLimited as limited:
            if (limited.retry_after_seconds or PATIENCE_SECONDS + 1) > PATIENCE_SECONDS:
                lanes.wake_later(processor_id, seconds=max(limited.retry_after_seconds or 0.0, 1.0))
                return
        except NotSent:
            # The sweep knocks again; nothing is lost and nothing is hammered.
            return
    lanes.wake(processor_id)


def claim(processor: Processor, *, new_requests: bool = True) -> list[ProcessorRequest]:
    """Take up to a batch of due requests under a fresh lease, in order of legal due date, each with its group slot.

    Without `new_requests` only what may be done while the budget has no room for one: cancels, asking about an attempt
    whose outcome is unknown, and types that do not count as new.
    """
    now, token = timezone.now(), uuid4()
    wanted = due(now=now).filter(processor=processor)
    if not new_requests:
        connector = connector_for(processor)
        free = [kind for kind in RequestType.values if not connector.counts_as_new(kind)]
        wanted = wanted.filter(
            Q(status=RequestStatus.PENDING) | Q(attempts__gt=F("answered_attempts")) | Q(case__type__in=free)
        )
    with transaction.atomic():
        found = list(
            wanted.select_for_update(skip_locked=True, of=("self",)).values_list(
                "pk", "group", "case__group_name"
            )[: batch_size(processor)]
        )
        if not found:
            return []
        keys = [key for key, _group, _name in found]
        groups.take_slots(processor, [(key, name) for key, group, name in found if group is None])
        ProcessorRequest.objects.filter(pk__in=keys).update(
            lease_until=now + timedelta(seconds=LEASE_SECONDS), lease_token=token, attempts=F("attempts") + 1
        )
    claimed = (
        ProcessorRequest.objects.filter(pk__in=keys, lease_token=token)
        .select_related("case__subject__data_key", "group")
        .prefetch_related("identities")
        .order_by("due_at", "pk")
    )
    requests = list(claimed)
    for request in requests:
        request.processor = processor
    return requests


def batch_size(processor: Processor) -> int:
    """How many requests a lane takes at once: fewer where the budget is small."""
    calls = connector_for(processor).budget().calls
    a_second = calls.count * processor.budget_share / 100 / calls.seconds
    return max(1, min(BATCH, int(a_second * BATCH_SECONDS / (lanes.LANES * lanes.THREADS))))


def work(connector: Connector, claimed: list[ProcessorRequest]) -> None:
    """Send each; what was not reached is given back. Raises RateLimited and NotSent after giving back the rest.

    So it does with an error of our own: the lease of the one that met it must not stop those behind it again and again.
    """
    looked_at = time.monotonic()
    for position, request in enumerate(claimed):
        rest = claimed[position + 1 :]
        try:
            answered = act(connector, request)
        except Exception:
            give_back(rest)
            raise
        if rest and timezone.now() > _lease_end(rest[0]) - timedelta(seconds=CALL_SECONDS):
            give_back(rest)
            return
        # What went wrong may itself have paused it: then not one more is sent.
        if rest and (not answered or time.monotonic() - looked_at > PAUSE_SEEN_SECONDS):
            looked_at = time.monotonic()
            if failures.is_paused(request.processor):
                give_back(rest)
                return


def _lease_end(request: ProcessorRequest) -> datetime:
    if request.lease_until is None:
        raise ValueError("Only a claimed request has a lease.")
    return request.lease_until


def hold(request: ProcessorRequest) -> None:
    """Have the lease outlast one more call. Raises Superseded where it has passed to another lane."""
    now = timezone.now()
    if _lease_end(request) - now > timedelta(seconds=CALL_SECONDS):
        return
    until = now + timedelta(seconds=LEASE_SECONDS)
    mine = ProcessorRequest.objects.filter(pk=request.pk, lease_token=request.lease_token)
    if not mine.update(lease_until=until):
        raise Superseded
    request.lease_until = until


def give_back(requests: Iterable[ProcessorRequest]) -> None:
    """Undo claims under which nothing was attempted.

    Word from outside may have come of a claimed request; it has answered all attempts, this one included.
    """
    for request in requests:
        ProcessorRequest.objects.filter(pk=request.pk, lease_token=request.lease_token).update(
            lease_until=None, lease_token=None, attempts=Greatest(F("attempts") - 1, F("answered_attempts"))
        )


def act(connector: Connector, request: ProcessorRequest) -> bool:
    """One attempt at one claimed request; whether it was answered as hoped.

    Every error ends in a recorded state; two kinds also end the lane.
    """
    try:
        if request.cancel_requested_at is not None:
            return _cancel(connector, request)
        return record(request, _send(connector, request))
    except RateLimited as error:
        if error.scope == "portal" and not request.earlier_attempt_unknown:
            # Nothing was attempted, and its place in the order of due dates is kept.
            give_back([request])
        else:
            failures.record(request, error)
        raise
    except NotSent as error:
        failures.record(request, error)
        raise
    except IntegrationError as error:
        failures.record(request, error)
        return False
    except Superseded:
        logger.info("Request %s is in another lane's hands.", request.pk)
        return True


def _send(connector: Connector, request: ProcessorRequest) -> Report:
    if request.earlier_attempt_unknown and not connector.repeats_safely(request.case.type):
        hold(request)
        try:
            return _ask(connector, request)
        except UnknownRequest:
            pass
    hold(request)
    try:
        return connector.submit(inquiries.outgoing(request))
    except AlreadyExists:
        # For an id of ours: success after a lost reply (facts 1.4).
        hold(request)
        return _ask(connector, request)


def _ask(connector: Connector, request: ProcessorRequest) -> Report:
    """Where it stands. Raises UnknownRequest; a question that is refused says nothing of the request itself."""
    try:
        return connector.report(inquiries.of(request))
    except UnknownRequest:
        raise
    except Rejected as error:
        raise UnexpectedAnswer(error.sentence, http_status=error.http_status, size=error.size) from None


def _cancel(connector: Connector, request: ProcessorRequest) -> bool:
    hold(request)
    if request.status == RequestStatus.QUEUED and connector.repeats_safely(request.case.type):
        if request.earlier_attempt_unknown:
            # Nobody can be asked whether that arrived, so it is not said that it did not.
            _refuse_unknown_cancel(request)
        else:
            _cancel_unsent(request)
        return True
    try:
        if request.status == RequestStatus.PENDING:
            connector.cancel(request.pk)
            hold(request)
        report = _ask(connector, request)
    except TooLate:
        report = _ask(connector, request)
        _record_too_late(request, report)
        return True
    except UnknownRequest:
        _cancel_unsent(request)
        return True
    return record(request, report)


def _record_too_late(request: ProcessorRequest, report: Report) -> None:
    """The processor said no to a cancel, whatever status it reports: the flag is answered."""
    with progress.locked_request(request.pk, known=request.processor) as current:
        if current.lease_token != request.lease_token:
            return
        reports.apply(current, report, actor=REPORT)
        _release(current)
        if current.cancel_requested_at is not None and current.status != RequestStatus.CANCELLED:
            ProcessorRequest.objects.filter(pk=current.pk).update(cancel_requested_at=None)
            reports.refuse_cancel(current, actor=REPORT)
        progress.settle(current.case, actor=REPORT)


def _refuse_unknown_cancel(request: ProcessorRequest) -> None:
    """Carry on with what may have been carried out already."""
    with progress.locked_request(request.pk, known=request.processor) as current:
        if current.lease_token == request.lease_token:
            ProcessorRequest.objects.filter(pk=current.pk).update(cancel_requested_at=None)
            give_back([request])
            reports.refuse_cancel(current, actor=SCHEDULE)
            progress.settle(current.case, actor=SCHEDULE)
    lanes.wake(request.processor_id)


def _cancel_unsent(request: ProcessorRequest) -> None:
    """It never arrived: cancelled without a word from outside; a sent one that is unknown there needs a human."""
    with progress.locked_request(request.pk, known=request.processor) as current:
        if current.lease_token != request.lease_token:
            return
        if current.status == RequestStatus.QUEUED:
            transition.move_request(
                current,
                RequestStatus.CANCELLED,
                actor=SCHEDULE,
                fields={"cancel_requested_at": None, "lease_until": None, "lease_token": None},
            )
        else:
            failures.open_gone(current)
            ProcessorRequest.objects.filter(pk=current.pk).update(cancel_requested_at=None)
            _release(current)
        progress.settle(current.case, actor=SCHEDULE)


def record(request: ProcessorRequest, report: Report, *, actor: Actor = REPORT) -> bool:
    """Record the answer to a claimed attempt; under a stale token it is ignored. False: it is not ours to record."""
    if not failures.account_is_ours(request.processor, report):
        failures.release_unanswered(request)
        return False
    with progress.locked_request(request.pk, known=request.processor) as current:
        if current.lease_token != request.lease_token:
            logger.info("Ignored the answer to request %s: its lease had passed on.", request.pk)
            return True
        verdict = reports.apply(current, report, actor=actor)
        # An accepted cancel, and a status nobody knows, are answered by a later word: look again in a while.
        waits = verdict == Verdict.UNKNOWN_STATUS or request.status == current.status == RequestStatus.PENDING
        again = timezone.now() + timedelta(seconds=settings.REPORT_INTERVAL_SECONDS) if waits else None
        # A report that moves a request gives up its lease with it.
        if again is not None or current.lease_token is not None:
            _release(current, next_attempt_at=again)
    return True


def _release(request: ProcessorRequest, *, next_attempt_at: datetime | None = None) -> None:
    ProcessorRequest.objects.filter(pk=request.pk).update(
        lease_until=None, lease_token=None, answered_attempts=F("attempts"), next_attempt_at=next_attempt_at
    )
