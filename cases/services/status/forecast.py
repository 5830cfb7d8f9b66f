"""Forecasts whether a case is answered by its legal date, from what processors promise and our own queue.

It errs on the late side: the longest that a vendor names, and all of a queue that goes before a request.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case, Clock, ClockKind, ProcessorRequest
from cases.services.dispatch import send_times
from cases.services.planning import planning
from cases.services.reports.polling import SENT
from dsrportal.sentence import Sentence
from integrations.models import Processor
from integrations.registry import connector_for
from integrations.types import RequestType

# What a person has yet to let go: from then on it takes the longest.
HELD: Final = (RequestStatus.PLANNED, RequestStatus.FAILED)
UNPLANNED: Final = (CaseStatus.INTAKE, CaseStatus.VERIFYING)
ANSWERED: Final = (CaseStatus.REVIEW, CaseStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the last answer is expected, beside the first instant too late. `sentence` says both, and what helps."""

    ends_at: datetime
    due_at: datetime
    due_on: date
    at_risk: bool
    sentence: Sentence


# A type of request, and whether it skips the waiting period.
_Asked = tuple[str, bool]


class _End(NamedTuple):
    """When one request is expected to end, who is expected to end it, and what would help."""

    at: datetime
    who: str
    helps: Sentence


def predict(
    case: Case,
    *,
    now: datetime,
    clock: Clock | None = None,
    requests: Iterable[ProcessorRequest] | None = None,
) -> Forecast | None:
    """None where nothing is waited for any more, or nobody can be asked.

    Its response clock and all of its requests, with their processors and what replaces them, may be at hand already.
    """
    if case.status in ANSWERED:
        return None
    clock = clock or case.clocks.get(kind=ClockKind.RESPONSE)
    if case.status in UNPLANNED:
        ends = _unplanned(case, now=now)
    else:
        ends = _planned(case, _asked(case) if requests is None else requests, now=now)
    if not ends:
        return None
    last = max(ends, key=lambda end: (end.at, end.who))
    at_risk = now < clock.due_at <= last.at
    due_on, expected = clock.due_on, timezone.localtime(last.at).date()
    sentence = (
        Sentence(
            "Due on %(due_on)s, but %(who)s may not respond until %(expected)s. %(helps)s",
            due_on=due_on,
            who=last.who,
            expected=expected,
            helps=last.helps,
        )
        if at_risk
        else Sentence(
            "All responses are expected by %(expected)s. The case is due on %(due_on)s.",
            expected=expected,
            due_on=due_on,
        )
    )
    return Forecast(last.at, clock.due_at, clock.due_on, at_risk, sentence)


def _unplanned(case: Case, *, now: datetime) -> list[_End]:
    return [
        _held(
            processor,
            case.type,
            case.skip_waiting_period,
            Sentence("Verify and approve the case as soon as possible. Every day counts."),
            now=now,
        )
        for processor in planning.candidates(case.type)
    ]


def _asked(case: Case) -> QuerySet[ProcessorRequest]:
    return ProcessorRequest.objects.filter(case=case).select_related("processor", "replaced_by")


def _planned(case: Case, requests: Iterable[ProcessorRequest], *, now: datetime) -> list[_End]:
    waited_for = {*HELD, RequestStatus.QUEUED, *SENT}
    return [
        _end(request, case.type, now=now)
        for request in requests
        if request.status in waited_for and getattr(request, "replaced_by", None) is None
    ]


def _end(request: ProcessorRequest, request_type: str, *, now: datetime) -> _End:
    processor, skip = request.processor, request.skip_waiting_period
    if request.status == RequestStatus.PLANNED:
        return _held(
            processor,
            request_type,
            skip,
            Sentence("Approve the case as soon as possible. Every day counts."),
            now=now,
        )
    if request.status == RequestStatus.FAILED:
        return _held(
            processor,
            request_type,
            skip,
            Sentence("Retry what has failed as soon as possible. Every day counts."),
            now=now,
        )
    longest = _longest(processor, request_type, skip)
    if request.status in SENT:
        at = request.expected_completion_at or (request.sent_at or request.status_changed_at) + longest
        return _End(at, processor.name, Sentence("This cannot be accelerated. Inform the requester in time."))
    leaving = send_times.estimate(processor, now=now)
    waits = timedelta(seconds=leaving.seconds(request.due_at))
    if request.not_before_at:
        waits = max(waits, request.not_before_at - now)
    helps = (
        Sentence("The processor is paused, and every day adds to the delay. Have it resumed.")
        if processor.paused_at
        else Sentence("The request is sent as soon as the budget allows. Inform the requester in time.")
    )
    if not leaving.known:
        helps = Sentence(
            "%(helps)s The queue is not included because the queue store is not responding.", helps=helps
        )
    return _End(now + waits + longest, processor.name, helps)


def _held(processor: Processor, request_type: str, skip: bool, helps: Sentence, *, now: datetime) -> _End:
    """Of what a person has yet to let go."""
    if request_type == RequestType.ERASURE and not skip:
        helps = Sentence("%(helps)s “Change plan” can skip the waiting period.", helps=helps)
    return _End(now + _longest(processor, request_type, skip), processor.name, helps)


def _longest(processor: Processor, request_type: str, skip_waiting_period: bool) -> timedelta:
    return connector_for(processor).longest(request_type, skip_waiting_period=skip_waiting_period)


# --- all cases at once


def at_risk(*, now: datetime) -> QuerySet[Case]:
    """Cases that are not overdue yet and will be, by the same rules as `predict`."""
    # What takes equally long at the same processors is asked about together: the fewer conditions, the faster the page.
    planned: dict[tuple[timedelta, tuple[Processor, ...]], list[_Asked]] = defaultdict(list)
    unplanned: dict[timedelta, list[_Asked]] = defaultdict(list)
    processors = list(Processor.objects.all())
    for request_type in RequestType.values:
        able = [each for each in processors if planning.serves(each, request_type)]
        for skip in (False, True) if request_type == RequestType.ERASURE else (False,):
            by_length: dict[timedelta, list[Processor]] = defaultdict(list)
            for processor in able:
                by_length[_longest(processor, request_type, skip)].append(processor)
            for longest, alike in by_length.items():
                planned[longest, tuple(alike)].append((request_type, skip))
            if by_length:
                unplanned[max(by_length)].append((request_type, skip))
    late = Q(status__in=SENT, expected_completion_at__gte=F("due_at"))
    for (longest, alike_at), asked in planned.items():
        late |= _any_of(asked, type="case__type") & _late(alike_at, longest, now=now)
    late_unplanned = Q(pk__in=[])
    for longest, asked in unplanned.items():
        late_unplanned |= _any_of(asked, type="type") & Q(clocks__due_at__lte=now + longest)
    requests = ProcessorRequest.objects.filter(late, case=OuterRef("pk"), replaced_by__isnull=True)
    return Case.objects.filter(
        Q(late_unplanned, status__in=UNPLANNED) | Q(Exists(requests), ~Q(status__in=[*UNPLANNED, *ANSWERED])),
        clocks__kind=ClockKind.RESPONSE,
        clocks__due_at__gt=now,
    )


def _any_of(asked: Iterable[_Asked], *, type: str) -> Q:
    """Any of these; `type` is the path to the type of a request."""
    found = Q()
    for skip in (False, True):
        if types := [each for each, skips in asked if skips == skip]:
            found |= Q(skip_waiting_period=skip, **{f"{type}__in": types})
    return found


def _late(processors: Iterable[Processor], longest: timedelta, *, now: datetime) -> Q:
    """Of requests of one kind at processors that take equally long: those that end on their due date or later."""
    held = Q(status__in=HELD, due_at__lte=now + longest)
    silent = Q(status__in=SENT, expected_completion_at=None) & (
        Q(sent_at__gte=F("due_at") - longest) | Q(sent_at=None, status_changed_at__gte=F("due_at") - longest)
    )
    late = Q(held | silent, processor__in=[processor.pk for processor in processors])
    for processor in processors:
        spans = Q(pk__in=[])
        for after, until in send_times.estimate(processor, now=now).too_late(longest, now=now):
            spans |= Q(due_at__lte=until, **({"due_at__gt": after} if after else {}))
        late |= Q(spans, processor=processor, status=RequestStatus.QUEUED)
    return late


# --- before an approval


def sending_seconds(processor: Processor, extra: int) -> float:
    """How long until `extra` requests more have left, behind the whole queue.

    As if the processor were not paused. Raises NotSent where the queue store does not answer.
    """
    return send_times.seconds_for(processor, send_times.queued(processor) + extra)
