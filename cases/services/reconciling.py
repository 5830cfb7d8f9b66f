"""Asking processors where requests stand: on request, when word is late, and for what may have been missed."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from cases.actor import REPORT, Actor
from cases.lifecycle import RequestStatus
from cases.models import Action, Case, ProcessorRequest
from cases.services import audit, failures, processors, progress, reports
from cases.services.refusal import Refused
from dsrportal import queueing
from integrations.connector import Connector
from integrations.errors import IntegrationError, RateLimited, Unauthorized, UnknownRequest
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import Report

logger = logging.getLogger(__name__)

SENT = frozenset({RequestStatus.PENDING, RequestStatus.IN_PROGRESS})


def silent(processor_id: UUID) -> list[ProcessorRequest]:
    """Requests in flight of which nothing was heard for the report interval."""
    since = timezone.now() - timedelta(seconds=settings.REPORT_INTERVAL_SECONDS)
    return list(
        ProcessorRequest.objects.filter(
            Q(reported_at__isnull=True) | Q(reported_at__lt=since), processor=processor_id, status__in=SENT
        ).order_by("reported_at", "pk")[:1000]
    )


def reconcile(processor: Processor, requests: Iterable[ProcessorRequest]) -> int:
    """Ask for each group in one call and for what a group lacks singly; how many answered.

    An id missing from a group's answer is not concluded gone.
    """
    connector = connector_for(processor)
    groups: dict[str, list[ProcessorRequest]] = defaultdict(list)
    for request in requests:
        groups[request.group.name if request.group else ""].append(request)
    answered = 0
    try:
        for group_id, members in groups.items():
            answered += _reconcile_group(connector, processor, group_id, members)
    except RateLimited:
        logger.info("Reports of %s end early: the budget is used up.", processor.pk)
    except Unauthorized as error:
        processors.pause_for_credentials(processor, error, actor=REPORT)
    except IntegrationError as error:
        logger.info("Reports of %s end early: %s", processor.pk, error.code)
    return answered


def _reconcile_group(
    connector: Connector, processor: Processor, group_id: str, members: list[ProcessorRequest]
) -> int:
    found: dict[UUID, Report] = {}
    if group_id and len(members) > 1:
        found = {report.request_id: report for report in connector.report_group(group_id)}
    answered = 0
    for member in members:
        report = found.get(member.pk)
        if report is None:
            try:
                report = connector.report(member.pk)
            except UnknownRequest:
                _gone(member)
                continue
        if not failures.account_is_ours(processor, report):
            return answered
        with progress.locked_request(member.pk) as current:
            reports.apply(current, report, actor=REPORT)
            answered += 1
    return answered


def _gone(request: ProcessorRequest) -> None:
    with progress.locked_request(request.pk) as current:
        if current.status in SENT:
            ProcessorRequest.objects.filter(pk=current.pk).update(reported_at=timezone.now())
            failures.open_gone(current)
            progress.settle(current.case, actor=REPORT)


def ask_for_refresh(case: Case, *, actor: Actor) -> int:
    """Have the processors of a case asked at once; how many requests. Raises Refused where none is in flight."""
    with progress.locked(case.pk) as locked:
        requests = list(
            ProcessorRequest.objects.filter(
                case=locked, status__in=[*SENT, RequestStatus.QUEUED]
            ).select_related("processor")
        )
        if not requests:
            raise Refused("No request of this case is with a processor.")
        for request in requests:
            audit.record(
                Action.REQUEST_REFRESHED,
                actor=actor,
                case=locked,
                processor=request.processor,
                details={"request": str(request.pk), "processor": request.processor.name},
            )
            ProcessorRequest.objects.filter(pk=request.pk).update(next_attempt_at=None)
            queueing.wake("cases.jobs.refresh", str(request.pk))
        return len(requests)


def refresh(request_id: UUID) -> None:
    """Ask for one request that was sent; one still queued is left to its lane, which is woken."""
    request = ProcessorRequest.objects.select_related("processor__data_key").get(pk=request_id)
    if request.status in SENT and request.processor.paused_at is None:
        reconcile(request.processor, [request])
