"""Where a case stands: locked before any of its requests changes, settled in the same transaction.

Two last answers cannot miss each other: whoever comes second waits for the case's row lock and then sees
what the first one wrote. Lock order everywhere: cases by key, requests by key, chain heads last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from cases.actor import Actor
from cases.lifecycle import (
    DERIVED,
    FINISHED,
    CaseStatus,
    RequestState,
    RequestStatus,
    derive_status,
)
from cases.models import AttentionItem, Case, ProcessorRequest
from cases.services import transition
from integrations.types import RequestType

WITH_RESULT = frozenset({RequestType.ACCESS, RequestType.PORTABILITY})


@contextmanager
def locked(case_id: int) -> Iterator[Case]:
    """The case under its row lock, inside a transaction of its own or the caller's."""
    with transaction.atomic():
        yield Case.objects.select_for_update(of=("self",)).select_related("data_key").get(pk=case_id)


@contextmanager
def locked_request(request_id: UUID) -> Iterator[ProcessorRequest]:
    """A request whose case is locked (`request.case`). Raises ProcessorRequest.DoesNotExist."""
    with transaction.atomic():
        case = (
            Case.objects.select_for_update(of=("self",))
            .select_related("data_key")
            .filter(requests=request_id)
            .first()
        )
        if case is None:
            raise ProcessorRequest.DoesNotExist
        request = ProcessorRequest.objects.select_related("processor").get(pk=request_id)
        request.case = case
        yield request


def states(case: Case) -> list[RequestState]:
    """What status and outcome depend on, of the requests that stand: neither replaced nor dropped unapproved."""
    return [
        RequestState(status=status, answer=answer, result_missing=_result_missing(case.type, status, package))
        for status, answer, package in _standing(case).values_list(
            "status", "answer", "result_package__state"
        )
    ]


def _standing(case: Case) -> QuerySet[ProcessorRequest]:
    return (
        ProcessorRequest.objects.filter(case=case, replaced_by__isnull=True)
        .exclude(status=RequestStatus.CANCELLED, queued_at__isnull=True)
        .order_by()
    )


def _result_missing(case_type: str, status: str, package: str | None) -> bool:
    return case_type in WITH_RESULT and status == RequestStatus.COMPLETED and package is None


def settle(case: Case, *, actor: Actor) -> None:
    """Bring a locked case's status in line with its requests and open attention items."""
    if case.status not in DERIVED:
        return
    attention = AttentionItem.objects.filter(case=case, resolved_at__isnull=True).exists()
    to = derive_status(states(case), open_attention=attention)
    if to != case.status:
        transition.move_case(case, to, actor=actor)


def disagreeing() -> list[int]:
    """Keys of cases whose stored status is not what follows from their requests: for the sweep."""
    open_items = AttentionItem.objects.filter(case=OuterRef("pk"), resolved_at__isnull=True)
    standing = ProcessorRequest.objects.filter(case=OuterRef("pk"), replaced_by__isnull=True)
    failed = standing.filter(status=RequestStatus.FAILED)
    unfinished = standing.filter(
        ~Q(status__in=FINISHED)
        | Q(case__type__in=WITH_RESULT, status=RequestStatus.COMPLETED, result_package__isnull=True)
    )
    needs_attention = Exists(open_items) | Exists(failed)
    wrong = (
        (Q(status=CaseStatus.ATTENTION) & ~needs_attention)
        | (~Q(status=CaseStatus.ATTENTION) & needs_attention)
        | (Q(status=CaseStatus.WORKING) & ~Exists(unfinished))
        | (Q(status=CaseStatus.REVIEW) & Exists(unfinished))
    )
    found = Case.objects.filter(wrong, status__in=DERIVED).order_by("pk").values_list("pk", flat=True)
    return list(found[:1000])
