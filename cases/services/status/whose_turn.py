"""Computes whose turn a case is, since when and why, and which cases are stuck.

Computed for whoever looks, never stored. Instants are aware; in sentences they are in the current time zone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from cases.lifecycle import WHOSE_TURN, CaseStatus, Outcome, RequestStatus
from cases.models import AttentionItem, Case, ProcessorRequest
from cases.services.processors import pausing
from cases.services.progress import WITH_RESULT
from cases.services.reports import failures
from cases.services.reports.polling import SENT
from cases.services.status.request_status_text import (
    MANAGER,
    PORTAL,
    Turn,
    day,
    for_request,
    unheard_after,
    when,
)
from dsrportal.sentence import Sentence, Verbatim
from integrations.models import Processor
from integrations.registry import KINDS

# How long a case may rest at a stage before it is stuck.
STAGES: Final[dict[str, timedelta]] = {
    # A weekend with a case that came in on Friday; CCPA wants the receipt confirmed within 10 business days.
    CaseStatus.INTAKE: timedelta(days=3),
    # People answer a mail within days or, mostly, never.
    CaseStatus.VERIFYING: timedelta(days=3),
    # Approving is minutes of work, and an erasure takes up to 21 of its 30 days at the processor.
    CaseStatus.READY: timedelta(days=2),
    # Nothing moves until somebody has decided.
    CaseStatus.ATTENTION: timedelta(days=1),
    # The person waits for an answer that is there.
    CaseStatus.REVIEW: timedelta(days=3),
}
# A queue that moves sends thousands in an hour; what waits longer is held up by something.
QUEUED: Final = timedelta(hours=1)
# A result is fetched as soon as it is there, and mParticle keeps it for seven days alone.
UNFETCHED: Final = timedelta(hours=1)


def for_case(case: Case, *, now: datetime) -> Turn:
    """Of one case, in three queries."""
    return for_cases([case], now=now)[case.pk]


def for_known_case(
    case: Case,
    *,
    requests: Iterable[tuple[ProcessorRequest, bool]],
    items: Sequence[AttentionItem],
    all_paused: bool,
    now: datetime,
) -> Turn:
    """Of one case whose requests, each with whether its result is here, and open items are at hand: without a query.

    The requests come with their processors, tasks and what replaces them.
    """
    waiting = [
        request
        for request, has_result in requests
        if getattr(request, "replaced_by", None) is None and _is_unanswered(case, request, has_result)
    ]
    return _turn(case, waiting, list(items), all_paused=all_paused, now=now)


def _is_unanswered(case: Case, request: ProcessorRequest, has_result: bool) -> bool:
    """As `_unanswered` asks it of the database."""
    if request.status == RequestStatus.COMPLETED:
        return not request.answer and case.type in WITH_RESULT and not has_result
    return request.status in {RequestStatus.QUEUED, *SENT, RequestStatus.FAILED}


def for_cases(cases: Sequence[Case], *, now: datetime) -> dict[int, Turn]:
    """Of many cases by key, in three queries however many there are."""
    keys = [case.pk for case in cases]
    return for_listed(
        cases,
        requests=((request, False) for request in _unanswered(keys)),
        items=AttentionItem.objects.filter(case__in=keys, resolved_at__isnull=True).order_by("opened_at"),
        all_paused=pausing.is_paused(),
        now=now,
    )


def for_listed(
    cases: Sequence[Case],
    *,
    requests: Iterable[tuple[ProcessorRequest, bool]],
    items: Iterable[AttentionItem],
    all_paused: bool,
    now: datetime,
) -> dict[int, Turn]:
    """Of many cases by key, whose standing requests and open items are at hand: without a query.

    The requests come with their processors and tasks, in the order of their plans, each with whether its result is
    here; the items in the order in which they were opened.
    """
    by_key = {case.pk: case for case in cases}
    waiting: dict[int, list[ProcessorRequest]] = defaultdict(list)
    for request, has_result in requests:
        if _is_unanswered(by_key[request.case_id], request, has_result):
            waiting[request.case_id].append(request)
    opened: dict[int, list[AttentionItem]] = defaultdict(list)
    for item in items:
        if item.case_id is not None:
            opened[item.case_id].append(item)
    return {
        case.pk: _turn(case, waiting[case.pk], opened[case.pk], all_paused=all_paused, now=now)
        for case in cases
    }


def _unanswered(case_ids: Iterable[int]) -> QuerySet[ProcessorRequest]:
    """Requests that stand and of which something is still to come: an answer, a decision, or a result."""
    return (
        ProcessorRequest.objects.filter(
            Q(status__in=[RequestStatus.QUEUED, *SENT, RequestStatus.FAILED]) | _result_missing(),
            case__in=list(case_ids),
            replaced_by__isnull=True,
        )
        .select_related("processor", "task__assignee")
        .order_by("case_id", "position")
    )


def _result_missing() -> Q:
    return Q(
        status=RequestStatus.COMPLETED,
        answer="",
        case__type__in=sorted(WITH_RESULT),
        result_package__isnull=True,
    )


def _turn(
    case: Case,
    requests: list[ProcessorRequest],
    items: list[AttentionItem],
    *,
    all_paused: bool,
    now: datetime,
) -> Turn:
    if case.status == CaseStatus.ATTENTION:
        return _decision(case, requests, items, now=now)
    if case.status == CaseStatus.WORKING:
        return _working(case, requests, all_paused=all_paused, now=now)
    turn = WHOSE_TURN[case.status]
    if case.status == CaseStatus.CLOSED:
        since = case.closed_at or case.status_changed_at
        return Turn(
            turn,
            since,
            Sentence(
                "Closed on %(day)s. Outcome: %(outcome)s.",
                outcome=Outcome(case.outcome).label,
                day=day(since),
            ),
        )
    since = case.status_changed_at
    waits = {
        CaseStatus.INTAKE: gettext_noop("Waiting for an agent to verify the requester since %(when)s."),
        CaseStatus.VERIFYING: gettext_noop(
            "Waiting for the requester to confirm their identity since %(when)s."
        ),
        CaseStatus.READY: gettext_noop("Waiting for an approver since %(when)s."),
        CaseStatus.REVIEW: gettext_noop(
            "All responses have arrived. Waiting since %(when)s for an agent to review them and close "
            "the case."
        ),
    }[CaseStatus(case.status)]
    return Turn(turn, since, Sentence(waits, when=when(since, now=now)))


def _decision(
    case: Case, requests: list[ProcessorRequest], items: list[AttentionItem], *, now: datetime
) -> Turn:
    turn = WHOSE_TURN[CaseStatus.ATTENTION]
    sentences = [item.sentence for item in items] or [
        Sentence("A request to %(processor)s has failed.", processor=request.processor.name)
        for request in requests
        if request.status == RequestStatus.FAILED
    ]
    since = items[0].opened_at if items else case.status_changed_at
    what = sentences[0] if sentences else Sentence("An item is open.")
    template = (
        gettext_noop("%(turn)s must decide: %(what)s And %(count)s more. Open since %(when)s.")
        if len(sentences) > 1
        else gettext_noop("%(turn)s must decide: %(what)s Open since %(when)s.")
    )
    slots = {"count": len(sentences) - 1} if len(sentences) > 1 else {}
    return Turn(turn, since, Sentence(template, turn=turn, what=what, when=when(since, now=now), **slots))


def _working(case: Case, requests: list[ProcessorRequest], *, all_paused: bool, now: datetime) -> Turn:
    """That of the request which holds the case up most: what people must do, then what waits here, then there."""
    found = [for_request(request, all_paused=all_paused, now=now) for request in requests]
    if not found:
        since = case.status_changed_at
        return Turn(
            PORTAL,
            since,
            Sentence("All responses have arrived. The portal continues with the case in a moment."),
        )
    order: dict[Sentence, int] = {MANAGER: 0, PORTAL: 2}
    order |= {Verbatim(request.processor.name): 3 for request in requests}
    first = min(found, key=lambda standing: (order.get(standing.turn, 1), standing.since))
    others = len(found) - 1
    if not others:
        return first
    sentence = (
        Sentence("%(sentence)s One more response is still missing.", sentence=first.sentence)
        if others == 1
        else Sentence(
            "%(sentence)s %(count)s more responses are still missing.",
            sentence=first.sentence,
            count=others,
        )
    )
    return Turn(first.turn, first.since, sentence)


# --- stuck


def stuck(*, now: datetime) -> QuerySet[Case]:
    """Cases that have not moved for longer than their stage should take."""
    at_rest = Q()
    for status, longest in STAGES.items():
        at_rest |= Q(status=status, status_changed_at__lt=now - longest)
    standing = ProcessorRequest.objects.filter(replaced_by__isnull=True).order_by()
    for held_up in _held_up(now=now):
        at_rest |= Q(pk__in=standing.filter(held_up).values("case"), status=CaseStatus.WORKING)
    return Case.objects.filter(at_rest)


def _held_up(*, now: datetime) -> tuple[Q, Q, Q]:
    """What makes a request of a working case one that does not move: no index serves all three questions."""
    unsent = Q(
        ~Q(processor__in=Processor.objects.sending())
        | Q(attempts__gte=failures.ATTEMPTS_BEFORE_ATTENTION)
        # Behind others in a queue that moves is no hold-up, unless it was tried already.
        | Q(Q(attempts__gt=0) | ~Q(processor__in=_moving(now=now)), status_changed_at__lt=now - QUEUED),
        status=RequestStatus.QUEUED,
        not_before_at=None,
        # It waits for another case, and says so when it cannot wait much longer.
        held=False,
    )
    by_rest: dict[timedelta, list[str]] = defaultdict(list)
    for kind in KINDS:
        by_rest[unheard_after(kind)].append(kind)
    unheard = Q(expected_completion_at__lt=now)
    for longest, kinds in by_rest.items():
        since = now - longest
        unheard |= Q(
            Q(reported_at__lt=since) | Q(reported_at__isnull=True, status_changed_at__lt=since),
            processor__in=Processor.objects.filter(kind__in=kinds),
        )
    silent = Q(
        unheard,
        status__in=SENT,
        # What is done by hand has a day of its own.
        task__isnull=True,
    )
    unfetched = _result_missing() & Q(completed_at__lt=now - UNFETCHED)
    return unsent, silent, unfetched


def _moving(*, now: datetime) -> QuerySet[Processor]:
    """Processors to which something left lately. What left was heard of since: that is indexed, when it left is not."""
    since = now - QUEUED
    left = ProcessorRequest.objects.filter(
        processor=OuterRef("pk"), status__in=SENT, reported_at__gt=since, sent_at__gt=since
    )
    return Processor.objects.filter(Exists(left))
