"""Where one request stands, in one sentence: queued here and why still, at its processor, or its result on the way.

Instants in sentences are in the current time zone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.lifecycle import RequestStatus
from cases.models import ManualTask, ProcessorRequest
from cases.services.polling import SENT, usual_rest
from cases.services.processors import PAUSED_BECAUSE
from integrations.errors import Conflict
from integrations.models import Processor

PORTAL: Final = "The portal"
MANAGER: Final = "An integration manager"
AGENT: Final = "An agent"
# Callbacks come within 15 minutes of a change, and a request in flight is asked for every hour.
UNHEARD: Final = timedelta(days=1)

# Codes of integrations.errors, for people.
ERRORS_IN_WORDS: Final = {
    "rate_limited": "the processor, or our budget for it, said not now",
    "not_sent": "no connection, nothing was sent",
    "budget_forgotten": "the call budget had to be counted anew",
    "unreachable": "the connection broke before an answer came",
    "unexpected_answer": "the answer could not be read",
    "unauthorized": "the credentials were refused",
    "rejected": "the processor said no",
    "conflict": "another request for the same identities is in the way",
    "unknown_request": "the processor does not know the request",
    "too_late": "the processor had begun already",
    "too_large": "the answer was larger than allowed",
    "expired": "the result was gone",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`turn` names who acts next, `since` when it became theirs, `sentence` says the whole."""

    turn: str
    since: datetime
    sentence: str


def of_request(request: ProcessorRequest, *, all_paused: bool, now: datetime) -> Standing:
    """Of a request of which something is still to come; with its processor, and its task where it has one."""
    if request.status in SENT and hasattr(request, "task"):
        return _by_hand(request, request.task, now=now)
    if request.status in SENT and not request.cancel_requested_at:
        return _in_flight(request, now=now)
    name = request.processor.name
    if request.cancel_requested_at:
        since = request.cancel_requested_at
        what = f"{name} has not confirmed the cancel that was asked for {at(since, now=now)}"
    elif request.status == RequestStatus.COMPLETED:
        since = request.completed_at or request.status_changed_at
        what = f"The result at {name} is being fetched since {when(since, now=now)}"
    else:
        since = request.status_changed_at
        what = f"Queued for {name} since {when(since, now=now)}"
    if request.held:
        return Standing(
            AGENT,
            since,
            f"{what}; held until another case of this person is closed, or somebody releases it.",
        )
    if request.not_before_at and request.not_before_at > now and not request.cancel_requested_at:
        words = _(
            "%(what)s. Waits until %(until)s and can be undone until then, on the page of its bulk run."
        )
        until = when(request.not_before_at, now=now)
        return Standing(PORTAL, since, words % {"what": what, "until": until})
    if all_paused:
        return Standing(MANAGER, since, f"{what}; everything outgoing is paused.")
    if request.processor.paused_at:
        return Standing(MANAGER, since, f"{what}; the processor is paused{_why(request.processor)}.")
    if request.lease_until and request.lease_until > now:
        return Standing(PORTAL, since, f"{what}; it is being worked on at this moment.")
    return Standing(PORTAL, since, f"{what}{_last_attempt(request, now=now)}.")


def _by_hand(request: ProcessorRequest, task: ManualTask, *, now: datetime) -> Standing:
    who = task.assignee.get_username() if task.assignee else AGENT
    since, due_on = request.status_changed_at, date_format(task.due_on, "d M Y")
    assigned = "" if task.assignee else ", assigned to nobody"
    return Standing(
        who,
        since,
        f"{request.processor.name} is worked by hand since {when(since, now=now)}, due {due_on}{assigned}.",
    )


def _in_flight(request: ProcessorRequest, *, now: datetime) -> Standing:
    name, since = request.processor.name, request.sent_at or request.status_changed_at
    words = request.get_status_display().lower()
    expected = request.expected_completion_at
    if expected:
        words += f", {'expected' if expected > now else 'was expected'} {day(expected)}"
    heard = request.reported_at or since
    if heard < now - unheard_after(request.processor.kind):
        words += f", no word since {when(heard, now=now)}"
    return Standing(name, since, f"{name} has had it since {when(since, now=now)} ({words}).")


def unheard_after(kind: str) -> timedelta:
    """After how long without a word a request counts as unheard of: later where its kind is asked but once a day."""
    return max(UNHEARD, usual_rest(kind))


def _why(processor: Processor) -> str:
    """In brackets; nothing where the reason says nothing."""
    words = PAUSED_BECAUSE.get(processor.paused_reason, "")
    if processor.paused_reason == "by_hand" or not words:
        return ""
    return f" ({words[0].lower()}{words[1:]})"


def _last_attempt(request: ProcessorRequest, *, now: datetime) -> str:
    if not request.last_error:
        return ""
    again = request.next_attempt_at
    waits = again is not None and again > now
    if request.last_error == Conflict.code:
        tried = f"tried again {at(again, now=now)}" if again and waits else "about to be tried again"
        return f"; another request is in the way, {tried}"
    answer = (
        f"last answer: {request.last_http_status}"
        if request.last_http_status
        else f"last attempt: {ERRORS_IN_WORDS.get(request.last_error, request.last_error.replace('_', ' '))}"
    )
    return f"; {answer}, next attempt {at(again, now=now) if again and waits else 'in a moment'}"


def when(moment: datetime, *, now: datetime) -> str:
    """The time of a moment of today, the date of any other."""
    return date_format(timezone.localtime(moment), "H:i") if _is_today(moment, now) else day(moment)


def day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "d M Y")


def at(moment: datetime, *, now: datetime) -> str:
    """At a time of today, or on another day."""
    return f"{'at' if _is_today(moment, now) else 'on'} {when(moment, now=now)}"


def _is_today(moment: datetime, now: datetime) -> bool:
    return timezone.localtime(moment).date() == timezone.localtime(now).date()
