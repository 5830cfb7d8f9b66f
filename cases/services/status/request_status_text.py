"""Describes the status of one request in one sentence.

Instants in sentences are in the current time zone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_noop

from cases.lifecycle import RequestStatus
from cases.models import ManualTask, ProcessorRequest
from cases.services.processors.accounts import PAUSED_BECAUSE
from cases.services.reports.polling import SENT, usual_rest
from dsrportal import dates
from dsrportal.sentence import Sentence, Verbatim, Word
from integrations.errors import Conflict
from integrations.models import Processor

PORTAL: Final = Sentence("The portal")
MANAGER: Final = Sentence("An integration manager")
AGENT: Final = Sentence("An agent")
# Callbacks come within 15 minutes of a change, and a request in flight is asked for every hour.
UNHEARD: Final = timedelta(days=1)

# Codes of integrations.errors, for people.
ERRORS_IN_WORDS: Final = {
    "rate_limited": Sentence("postponed by the processor or by our budget for it"),
    "not_sent": Sentence("no connection, nothing sent"),
    "budget_forgotten": Sentence("the call budget had to be counted again"),
    "unreachable": Sentence("the connection broke before a response arrived"),
    "unexpected_answer": Sentence("the response could not be read"),
    "unauthorized": Sentence("the credentials were refused"),
    "rejected": Sentence("the processor refused"),
    "conflict": Sentence("another request for the same identifiers is in progress"),
    "unknown_request": Sentence("the processor does not know the request"),
    "too_late": Sentence("the processor had already started"),
    "too_large": Sentence("the response was larger than allowed"),
    "expired": Sentence("the result was no longer available"),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """`turn` names who acts next, `since` when it became theirs, `sentence` says the whole."""

    turn: Sentence
    since: datetime
    sentence: Sentence


def for_request(request: ProcessorRequest, *, all_paused: bool, now: datetime) -> Turn:
    """Of a request of which something is still to come; with its processor, and its task where it has one."""
    if request.status in SENT and hasattr(request, "task"):
        return _by_hand(request, request.task, now=now)
    if request.status in SENT and not request.cancel_requested_at:
        return _in_flight(request, now=now)
    name = request.processor.name
    if request.cancel_requested_at:
        since = request.cancel_requested_at
        what = Sentence(
            "%(name)s has not confirmed the cancellation requested %(at)s",
            name=name,
            at=at(since, now=now),
        )
    elif request.status == RequestStatus.COMPLETED:
        since = request.completed_at or request.status_changed_at
        what = Sentence(
            "Fetching the result from %(name)s since %(when)s", name=name, when=when(since, now=now)
        )
    else:
        since = request.status_changed_at
        what = Sentence("Queued for %(name)s since %(when)s", name=name, when=when(since, now=now))
    if request.held:
        return Turn(
            AGENT,
            since,
            Sentence(
                "%(what)s. On hold until another case of this data subject is closed, or until someone "
                "releases it.",
                what=what,
            ),
        )
    if request.not_before_at and request.not_before_at > now and not request.cancel_requested_at:
        return Turn(
            PORTAL,
            since,
            Sentence(
                "%(what)s. Waiting until %(until)s. It can be undone until then on the page of its bulk run.",
                what=what,
                until=_soon(request.not_before_at, now=now),
            ),
        )
    if all_paused:
        return Turn(MANAGER, since, Sentence("%(what)s. All sending is paused.", what=what))
    if request.processor.paused_at:
        return Turn(MANAGER, since, _paused(what, request.processor))
    if request.lease_until and request.lease_until > now:
        return Turn(PORTAL, since, Sentence("%(what)s. It is being processed right now.", what=what))
    return Turn(PORTAL, since, _last_attempt(what, request, now=now))


def _by_hand(request: ProcessorRequest, task: ManualTask, *, now: datetime) -> Turn:
    who = Verbatim(task.assignee.get_username()) if task.assignee else AGENT
    since = request.status_changed_at
    template = (
        gettext_noop("The task at %(processor)s has been open since %(since)s, due %(due_on)s.")
        if task.assignee
        else gettext_noop(
            "The task at %(processor)s has been open since %(since)s, due %(due_on)s, unassigned."
        )
    )
    return Turn(
        who,
        since,
        Sentence(template, processor=request.processor.name, since=when(since, now=now), due_on=task.due_on),
    )


def _in_flight(request: ProcessorRequest, *, now: datetime) -> Turn:
    name, since = request.processor.name, request.sent_at or request.status_changed_at
    words: Sentence = Word(RequestStatus(request.status).label)
    expected = request.expected_completion_at
    if expected:
        template = (
            gettext_noop("%(status)s, expected %(day)s")
            if expected > now
            else gettext_noop("%(status)s, was expected %(day)s")
        )
        words = Sentence(template, status=words, day=day(expected))
    heard = request.reported_at or since
    if heard < now - unheard_after(request.processor.kind):
        words = Sentence("%(words)s, no update since %(when)s", words=words, when=when(heard, now=now))
    return Turn(
        Verbatim(name),
        since,
        Sentence(
            "At %(name)s since %(when)s (%(words)s).",
            name=name,
            when=when(since, now=now),
            words=words,
        ),
    )


def unheard_after(kind: str) -> timedelta:
    """After how long without a word a request counts as unheard of: later where its kind is asked but once a day."""
    return max(UNHEARD, usual_rest(kind))


def _paused(what: Sentence, processor: Processor) -> Sentence:
    """With the reason, unless it says nothing."""
    words = PAUSED_BECAUSE.get(processor.paused_reason, "")
    if processor.paused_reason == "by_hand" or not words:
        return Sentence("%(what)s. The processor is paused.", what=what)
    return Sentence("%(what)s. The processor is paused (%(why)s).", what=what, why=Word(words))


def _last_attempt(what: Sentence, request: ProcessorRequest, *, now: datetime) -> Sentence:
    if not request.last_error:
        return Sentence("%(what)s.", what=what)
    again = request.next_attempt_at
    waits = again is not None and again > now
    if request.last_error == Conflict.code:
        if again and waits:
            return Sentence(
                "%(what)s. Another request is in progress. Next attempt %(at)s.",
                what=what,
                at=at(again, now=now),
            )
        return Sentence("%(what)s. Another request is in progress. Next attempt in a moment.", what=what)
    answer = (
        Sentence("last response: %(status)s", status=request.last_http_status)
        if request.last_http_status
        else Sentence(
            "last attempt: %(error)s",
            error=ERRORS_IN_WORDS.get(request.last_error, request.last_error.replace("_", " ")),
        )
    )
    if again and waits:
        return Sentence(
            "%(what)s (%(answer)s). Next attempt %(at)s.", what=what, answer=answer, at=at(again, now=now)
        )
    return Sentence("%(what)s (%(answer)s). Next attempt in a moment.", what=what, answer=answer)


def when(moment: datetime, *, now: datetime) -> str:
    """The time of a moment of today, the date of any other."""
    return dates.clock(moment) if _is_today(moment, now) else dates.day_of(moment)


def _soon(moment: datetime, *, now: datetime) -> str:
    """The time of a moment that comes within a day, also past midnight; of a later one with its date."""
    near = moment - now < timedelta(days=1)
    return date_format(timezone.localtime(moment), "H:i" if near else "DATETIME_FORMAT")


def day(moment: datetime) -> str:
    return dates.day_of(moment)


def at(moment: datetime, *, now: datetime) -> Sentence:
    """At a time of today, or on another day."""
    template = gettext_noop("at %(time)s") if _is_today(moment, now) else gettext_noop("on %(time)s")
    return Sentence(template, time=when(moment, now=now))


def _is_today(moment: datetime, now: datetime) -> bool:
    return timezone.localtime(moment).date() == timezone.localtime(now).date()
