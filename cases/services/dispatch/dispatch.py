"""Sending what is queued: claim by lease, call outside any transaction, record under the case's lock.

The row is the queue. A claim writes lease, token and attempt; a result that comes with a stale token is
ignored. An attempt without a recorded answer means that nobody knows whether it arrived: the processor is
asked for that id before anything is sent again, and never under a second id.
"""

import logging
import time
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from cases.actor import REPORT, SCHEDULE, Actor
from cases.lifecycle import RequestStatus
from cases.models import ProcessorRequest, Verdict
from cases.services import progress, transition
from cases.services.dispatch import budget, cool_off, leases
from cases.services.dispatch.leases import Lease
from cases.services.processors import concurrency
from cases.services.refusal import Superseded
from cases.services.reports import failures, payloads, reports
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
from integrations.types import Report

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 30.0
# A wait up to this is slept through where the budget is taken; for a longer one the lane ends and is woken in time.
PATIENCE_SECONDS = 2.0
# While all goes well, how long a lane may go on after someone paused its processor.
PAUSE_SEEN_SECONDS = 1.0


def run_lane(processor_id: UUID) -> None:
    """One lane: as many threads as there are batches waiting, up to its own number."""
    cool_off.end_due(now=timezone.now(), processor_id=processor_id)
    waiting = (
        leases.due(now=timezone.now())
        .filter(processor=processor_id)[: leases.BATCH * concurrency.THREADS]
        .count()
    )
    concurrency.side_by_side(
        drain, processor_id, threads=min(concurrency.THREADS, -(-waiting // leases.BATCH))
    )


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
            wait = budget.wait_seconds(processor)
            claimed = leases.claim(processor, new_requests=wait <= PATIENCE_SECONDS)
            if not claimed:
                if wait > PATIENCE_SECONDS:
                    concurrency.wake_later(processor_id, seconds=wait)
                return
            work(connector_for(processor), claimed)
        except RateLimited as limited:
            if (limited.retry_after_seconds or PATIENCE_SECONDS + 1) > PATIENCE_SECONDS:
                concurrency.wake_later(processor_id, seconds=max(limited.retry_after_seconds or 0.0, 1.0))
                return
        except NotSent:
            # The sweep knocks again; nothing is lost and nothing is hammered.
            return
    concurrency.wake(processor_id)


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
            leases.give_back(rest)
            raise
        if rest and timezone.now() > leases.lease_end(rest[0]) - timedelta(seconds=leases.CALL_SECONDS):
            leases.give_back(rest)
            return
        # What went wrong may itself have paused it: then not one more is sent.
        if rest and (not answered or time.monotonic() - looked_at > PAUSE_SEEN_SECONDS):
            looked_at = time.monotonic()
            if failures.is_paused(request.processor):
                leases.give_back(rest)
                return


def act(connector: Connector, request: ProcessorRequest) -> bool:
    """One attempt at one claimed request; whether it was answered as hoped.

    Every error ends in a recorded state; two kinds also end the lane.
    """
    lease = leases.Lease(request)
    try:
        if request.cancel_requested_at is not None:
            return _cancel(connector, lease)
        return record(request, _send(connector, lease))
    except RateLimited as error:
        if error.scope == "portal" and not request.earlier_attempt_unknown:
            # Nothing was attempted, and its place in the order of due dates is kept.
            leases.give_back([request])
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


def _send(connector: Connector, lease: Lease) -> Report:
    request = lease.request
    if request.earlier_attempt_unknown and not connector.repeats_safely(request.case.type):
        with suppress(UnknownRequest):
            return _ask(connector, lease)
    try:
        return lease.call(connector.submit, payloads.submission(request))
    except AlreadyExists:
        # For an id of ours: success after a lost reply. Creating answers a repeated id with 400, never with the first
        # answer again: https://docs.mparticle.com/developers/apis/dsr-api/v3/
        return _ask(connector, lease)


def _ask(connector: Connector, lease: Lease) -> Report:
    """Where it stands. Raises UnknownRequest; a question that is refused says nothing of the request itself."""
    try:
        return lease.call(connector.report, payloads.inquiry(lease.request))
    except UnknownRequest:
        raise
    except Rejected as error:
        raise UnexpectedAnswer(error.sentence, http_status=error.http_status, size=error.size) from None


def _cancel(connector: Connector, lease: Lease) -> bool:
    request = lease.request
    if request.status == RequestStatus.QUEUED and connector.repeats_safely(request.case.type):
        if request.earlier_attempt_unknown:
            # Nobody can be asked whether that arrived, so it is not said that it did not.
            _refuse_unknown_cancel(request)
        else:
            _cancel_unsent(request)
        return True
    try:
        if request.status == RequestStatus.PENDING:
            lease.call(connector.cancel, request.pk)
        report = _ask(connector, lease)
    except TooLate:
        _record_too_late(request, _ask(connector, lease))
        return True
    except UnknownRequest:
        _cancel_unsent(request)
        return True
    return record(request, report)


def _record_too_late(request: ProcessorRequest, report: Report) -> None:
    """The processor said no to a cancel, whatever status it reports: the flag is answered."""
    with progress.recorded(request, settled_by=REPORT) as current:
        if current is None:
            return
        reports.apply(current, report, actor=REPORT)
        _release(current)
        if current.cancel_requested_at is not None and current.status != RequestStatus.CANCELLED:
            ProcessorRequest.objects.filter(pk=current.pk).update(cancel_requested_at=None)
            reports.refuse_cancel(current, actor=REPORT)


def _refuse_unknown_cancel(request: ProcessorRequest) -> None:
    """Carry on with what may have been carried out already."""
    with progress.recorded(request, settled_by=SCHEDULE) as current:
        if current is None:
            return
        ProcessorRequest.objects.filter(pk=current.pk).update(cancel_requested_at=None)
        leases.give_back([request])
        reports.refuse_cancel(current, actor=SCHEDULE)
        concurrency.wake(request.processor_id)


def _cancel_unsent(request: ProcessorRequest) -> None:
    """It never arrived: cancelled without a word from outside; a sent one that is unknown there needs a human."""
    with progress.recorded(request, settled_by=SCHEDULE) as current:
        if current is None:
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


def record(request: ProcessorRequest, report: Report, *, actor: Actor = REPORT) -> bool:
    """Record the answer to a claimed attempt; under a stale token it is ignored. False: it is not ours to record."""
    if not failures.account_is_ours(request.processor, report):
        failures.release_unanswered(request)
        return False
    with progress.recorded(request) as current:
        if current is None:
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
