"""Confirms an erasure: searches for the person once more at each system that can be searched."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from cases.actor import SCHEDULE
from cases.lifecycle import DERIVED, Answer, RequestStatus
from cases.models import AttentionKind, Case, Finding, ProcessorRequest, ProfileSearch, Purpose
from cases.services import attention, progress
from cases.services.planning import profile_search
from cases.services.reports import payloads
from dsrportal.sentence import Sentence
from integrations.connector import Capability
from integrations.errors import IntegrationError, Rejected, Unsupported
from integrations.models import Processor
from integrations.registry import KINDS, connector_class
from integrations.types import RequestType

logger = logging.getLogger(__name__)

# How long after a search that failed it is tried again.
AGAIN = timedelta(hours=1)
# The same where it was refused: the same question will be, and some bill for each.
REFUSED_AGAIN = timedelta(days=1)
# Of these answers something was erased, and so there is something to confirm.
ERASED = (Answer.DONE, Answer.ACCEPTED)


def unconfirmed() -> QuerySet[ProcessorRequest]:
    """Erasures that are done and were not looked for since the last system of their case was done with it.

    Forwarding can bring a person back until then. Those that cannot be searched are not asked for again.
    """
    now = timezone.now()
    kinds = [kind for kind in KINDS if Capability.SEARCH in connector_class(kind).capabilities]
    last = (
        ProcessorRequest.objects.filter(case=OuterRef("case"))
        .order_by()
        .values("case")
        .annotate(at=Max("completed_at"))
        .values("at")
    )
    searched = ProfileSearch.objects.filter(processor_request=OuterRef("pk"))
    settled = searched.filter(
        Q(asked_at__gte=OuterRef("last_completed_at"), finding__in=[Finding.FOUND, Finding.NOT_FOUND])
        | Q(error=Unsupported.code)
        | Q(asked_at__gt=now - AGAIN, finding=Finding.UNKNOWN)
        | Q(asked_at__gt=now - REFUSED_AGAIN, error=Rejected.code)
    )
    return (
        ProcessorRequest.objects.filter(
            # Joined instead, PostgreSQL would take nearly all to be replaced, and look up each that ever ended.
            ~Exists(ProcessorRequest.objects.filter(replaces=OuterRef("pk"))),
            case__status__in=DERIVED,
            case__type=RequestType.ERASURE,
            status=RequestStatus.COMPLETED,
            answer__in=ERASED,
            processor__in=Processor.objects.sending().filter(kind__in=kinds),
        )
        .annotate(last_completed_at=Subquery(last))
        .exclude(Exists(settled))
        .order_by("completed_at", "pk")
    )


def cases_unconfirmed() -> QuerySet[Case]:
    """Their cases. Asked from the cases, which are fewer: the other way round, all that ever ended are looked at."""
    due = unconfirmed().order_by().filter(case=OuterRef("pk"))
    return Case.objects.filter(Exists(due), status__in=DERIVED, type=RequestType.ERASURE).order_by()


def confirm_case(case_id: int) -> None:
    """Look for an erased person at each processor of a case where that is due."""
    for request_id in list(unconfirmed().filter(case=case_id).values_list("pk", flat=True)):
        confirm_request(request_id)


def confirm_request(request_id: UUID) -> None:
    """Look for an erased person once more, with what was sent; safe to run twice."""
    request = (
        unconfirmed()
        .filter(pk=request_id)
        .select_related("case__subject__data_key", "case__data_key", "processor__data_key")
        .first()
    )
    if request is None:
        return
    try:
        identities = payloads.identities(request)
    except IntegrationError:
        logger.warning("The identities of request %s can no longer be opened.", request.pk)
        # Kept, so that it does not stand before those who can be looked for.
        identities = ()
    search = profile_search.ask(
        request.case,
        request.processor,
        identities,
        purpose=Purpose.CONFIRMATION,
        actor=SCHEDULE,
        request=request,
    )
    with progress.locked_request(request.pk) as current:
        # While it was asked, somebody may have sent the request anew: that one is looked for by itself.
        anew = ProcessorRequest.objects.filter(replaces=current).exists()
        if search.finding == Finding.FOUND and not anew:
            attention.open_item(
                AttentionKind.REAPPEARED,
                _known_again(request),
                actor=SCHEDULE,
                request=current,
            )
        elif search.finding == Finding.NOT_FOUND:
            attention.resolve_all(
                AttentionKind.REAPPEARED, actor=SCHEDULE, resolution="answered", request=current
            )
        progress.settle(current.case, actor=SCHEDULE)


def _known_again(request: ProcessorRequest) -> Sentence:
    name = request.processor.name
    if profile_search.may_be_under_way(request):
        return Sentence(
            "%(name)s still has data on the data subject. The accepted erasure has not been carried out "
            "yet, or new data has arrived since. Search again later, erase again, or find out where the "
            "data comes from.",
            name=name,
        )
    return Sentence(
        "%(name)s has data on the data subject again after the erasure. New data has arrived since. "
        "Erase again, or find out where the data comes from.",
        name=name,
    )
