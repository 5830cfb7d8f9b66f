"""Asking processors where requests stand: on request, when word is late, and for what may have been missed."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cases.actor import REPORT, Actor
from cases.lifecycle import FINISHED, RequestStatus
from cases.models import Action, AttentionItem, AttentionKind, Case, ProcessorRequest, RequestGroup
from cases.services import audit, progress
from cases.services.processors import accounts, concurrency
from cases.services.refusal import Refused
from cases.services.reports import (
    comparing,
    disagreement,
    failures,
    payloads,
    polling,
    reports,
    silence_watch,
)
from cases.services.reports.comparing import Known
from cases.services.reports.polling import SENT
from dsrportal import queueing
from dsrportal.sentence import Sentence
from integrations.connector import Connector
from integrations.errors import IntegrationError, RateLimited, Unauthorized, UnexpectedAnswer, UnknownRequest
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import Report

logger = logging.getLogger(__name__)

ROUND_SECONDS = 30.0
# How long a round may go on after someone paused its processor.
PAUSE_SEEN_SECONDS = 1.0
FAILURES_IN_A_ROW = 3

# What is asked for in one go: a group, or one request by its id.
Turn = RequestGroup | UUID


class NotOurs(Exception):
    """Another workspace answered than the one we meant; its processor is paused."""


def ask_what_is_due(processor_id: UUID) -> None:
    """Ask for all that is due at a processor, a group in one call, for 30 s at most; then wake a successor.

    An answer that cannot be had or read stops nobody else's, until three in a row tell that it is the processor.
    """
    now, stop_at = timezone.now(), time.monotonic() + ROUND_SECONDS
    processor, looked_at = _sending(processor_id), time.monotonic()
    if processor is None or not polling.asks(processor):
        return
    turns: deque[Turn] = deque(polling.groups(processor, now=now))
    turns += polling.alone(processor, now=now)
    in_vain: list[Turn] = []
    in_a_row = 0
    while turns and processor is not None and in_a_row < FAILURES_IN_A_ROW:
        if time.monotonic() > stop_at:
            queueing.wake("cases.jobs.report", str(processor_id))
            break
        turn = turns.popleft()
        try:
            turns.extendleft(_take_turn(processor, turn))
            in_a_row = 0
        except (NotOurs, Unauthorized) as error:
            _pause(processor, error)
            return
        except IntegrationError as error:
            logger.info("A report of %s was asked for in vain: %s", processor.pk, error.code)
            in_vain.append(turn)
            in_a_row += 1
            if isinstance(error, RateLimited):
                queueing.wake("cases.jobs.report", str(processor_id), delay_seconds=_wait_seconds(error))
                break
        if time.monotonic() - looked_at > PAUSE_SEEN_SECONDS:
            processor, looked_at = _sending(processor_id), time.monotonic()
    if processor is not None and in_vain:
        silence_watch.note_unanswered(
            processor, asked_in_vain=[turn if isinstance(turn, UUID) else turn.pk for turn in in_vain]
        )


def _sending(processor_id: UUID) -> Processor | None:
    return Processor.objects.sending().select_related("data_key").filter(pk=processor_id).first()


def _pause(processor: Processor, error: Exception) -> None:
    if isinstance(error, Unauthorized):
        accounts.pause_for_credentials(processor, error, actor=REPORT)


def _take_turn(processor: Processor, turn: Turn) -> list[UUID]:
    """Ask for a group or a request; what the group's answer lacked and is to be asked for singly."""
    connector = connector_for(processor)
    if isinstance(turn, UUID):
        _ask_singly(connector, processor, turn)
        return []
    now = timezone.now()
    if not polling.take(turn, now=now):
        return []
    members = comparing.known(ProcessorRequest.objects.filter(group=turn))
    waiting = [member.pk for member in members if member.in_flight]
    if len(waiting) < 2:
        return waiting
    try:
        return _ask_group(connector, processor, turn.name, members)
    except RateLimited:
        polling.give_back(turn, taken_at=now)
        raise
    except UnexpectedAnswer as error:
        if error.http_status != HTTPStatus.OK:
            raise
        # It answers, and one of a hundred and fifty may be what cannot be read: the others are asked for singly.
        logger.info("The report on a group of %s cannot be read.", processor.pk)
        return waiting


def _ask_group(connector: Connector, processor: Processor, name: str, members: Sequence[Known]) -> list[UUID]:
    """Ask for a group and apply what is new; the keys of those to be asked for singly.

    An id that the answer lacks is not concluded gone, and where it denies an earlier word it is not believed at once.
    """
    asked_at = timezone.now()
    found = {report.request_id: report for report in connector.report_group(name)}
    _check_accounts(processor, found.values())
    compared = comparing.compare(members, found)
    comparing.note_unchanged(compared.unchanged, now=timezone.now())
    denied = [
        report.request_id for report in compared.news if not take_in(processor, report, asked_at=asked_at)
    ]
    return [*denied, *(member.pk for member in members if member.in_flight and member.pk not in found)]


def _ask_singly(connector: Connector, processor: Processor, request_id: UUID) -> None:
    """Ask for one request, and once more where the answer denies an earlier word."""
    inquiry = payloads.inquiry(
        ProcessorRequest.objects.select_related("case__subject__data_key").get(pk=request_id)
    )
    try:
        for last in (False, True):
            asked_at = timezone.now()
            report = connector.report(inquiry)
            _check_accounts(processor, [report])
            if take_in(processor, report, asked_at=asked_at, last=last):
                break
    except UnknownRequest:
        _gone(request_id)


def _check_accounts(processor: Processor, found: Iterable[Report]) -> None:
    """Look once at each account that answered. Raises NotOurs."""
    for report in {report.account: report for report in found}.values():
        if not failures.account_is_ours(processor, report):
            raise NotOurs


def take_in(processor: Processor, report: Report, *, asked_at: datetime, last: bool = False) -> bool:
    """Apply a report that was asked for at `asked_at`, unless it denies what the request was told before that.

    Then nothing is done, which is answered with False; or, the `last` time, both sides are put to a human.
    """
    with progress.locked_request(report.request_id, known=processor) as current:
        if not disagreement.is_one(current, report, asked_at=asked_at):
            reports.apply(current, report, actor=REPORT)
            return True
        if last:
            disagreement.show(current, report, asked_at=asked_at)
        return last


def _gone(request_id: UUID) -> None:
    with progress.locked_request(request_id) as current:
        ProcessorRequest.objects.filter(pk=current.pk).update(reported_at=timezone.now())
        if current.status in SENT:
            failures.open_gone(current)
            progress.settle(current.case, actor=REPORT)


def ask_for_refresh(case: Case, *, actor: Actor) -> int:
    """Have the processors of a case asked at once; how many requests. Raises Refused where none is to be asked for."""
    disputed = AttentionItem.objects.filter(
        kind=AttentionKind.DISAGREEMENT, resolved_at__isnull=True, processor_request=OuterRef("pk")
    )
    with progress.locked(case.pk) as locked:
        requests = list(
            ProcessorRequest.objects.filter(
                Q(status__in=[*SENT, RequestStatus.QUEUED]) | Q(Exists(disputed)), case=locked
            ).select_related("processor")
        )
        requests = [request for request in requests if polling.asks(request.processor)]
        if not requests:
            raise Refused(Sentence("No request of this case is at a processor that can report its status."))
        for request in requests:
            request.case = locked
            audit.of_request(Action.REQUEST_REFRESHED, request, actor=actor)
            ProcessorRequest.objects.filter(pk=request.pk).update(next_attempt_at=None)
            if request.status == RequestStatus.QUEUED:
                concurrency.wake(request.processor_id)
            else:
                queueing.wake("cases.jobs.refresh", str(request.pk))
        return len(requests)


def refresh(request_id: UUID) -> None:
    """Ask for one request, in flight or finished, later if not now.

    Word that was late or lost is asked for again by the next round; of a finished request nobody else would ask.
    """
    request = ProcessorRequest.objects.get(pk=request_id)
    if request.status not in SENT | FINISHED:
        return
    processor, seconds, insist = _sending(request.processor_id), 0.0, request.status in FINISHED
    if processor is not None:
        try:
            _ask_singly(connector_for(processor), processor, request.pk)
            return
        except (NotOurs, Unauthorized) as error:
            _pause(processor, error)
        except IntegrationError as error:
            logger.info("A report of %s was asked for in vain: %s", processor.pk, error.code)
            insist = insist and error.retryable
            if isinstance(error, RateLimited):
                seconds, insist = _wait_seconds(error), True
    if insist:
        seconds = seconds or polling.near_interval().total_seconds()
        queueing.wake("cases.jobs.refresh", str(request.pk), delay_seconds=seconds)


def _wait_seconds(limited: RateLimited) -> float:
    return max(limited.retry_after_seconds or 0.0, 1.0)
