"""Small pieces of a page that lists and forms share: icons, badges, dates with their distance."""

from datetime import datetime
from functools import cache, lru_cache
from typing import Final

from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_lazy, ngettext

from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import ProcessorRequest
from dsrportal import dates

SOON_DAYS: Final = 7

# Which colour a word gets. The word itself always stands beside it, or in a title.
_CASE_TONES: Final[dict[str, str]] = {
    CaseStatus.INTAKE: "info",
    CaseStatus.VERIFYING: "wait",
    CaseStatus.READY: "act",
    CaseStatus.WORKING: "wait",
    CaseStatus.ATTENTION: "bad",
    CaseStatus.REVIEW: "act",
    CaseStatus.CLOSED: "quiet",
}
_REQUEST_TONES: Final[dict[str, str]] = {
    RequestStatus.PLANNED: "quiet",
    RequestStatus.QUEUED: "info",
    RequestStatus.PENDING: "wait",
    RequestStatus.IN_PROGRESS: "wait",
    RequestStatus.COMPLETED: "good",
    RequestStatus.CANCELLED: "quiet",
    RequestStatus.FAILED: "bad",
}
_ANSWER_TONES: Final[dict[str, str]] = {
    Answer.DONE: "good",
    Answer.ACCEPTED: "info",
    Answer.NO_DATA_HELD: "quiet",
    Answer.NOT_APPLICABLE: "quiet",
    Answer.REFUSED: "bad",
}

# Taken is not done, and no word of it being done can come.
_ACCEPTED: Final = gettext_lazy("Accepted (no further confirmation is sent)")


@cache
def icon(name: str) -> SafeString:
    """An icon of the sprite, drawn in the colour of the text around it; for the eye only."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        static("portal/icons.svg"),
        name,
    )


def badge(label: str, tone: str = "quiet", icon_name: str = "") -> SafeString:
    """A word in a coloured box. Tones: info, wait, act, good, warn, bad, quiet."""
    drawn = icon(icon_name) if icon_name else ""
    return format_html('<span class="badge badge-{}">{}{}</span>', tone, drawn, label)


def case_badge(status: str) -> SafeString:
    return _case_badge(status, get_language())


@cache
def _case_badge(status: str, _language: str | None) -> SafeString:
    return badge(str(CaseStatus(status).label), _CASE_TONES[status], f"case-{status}")


def request_mark_name(request: ProcessorRequest) -> str:
    return f"mark-{request.answer or request.status}"


def request_tone(request: ProcessorRequest) -> str:
    return _ANSWER_TONES.get(request.answer) or _REQUEST_TONES[request.status]


def request_badge(request: ProcessorRequest) -> SafeString:
    """Where a request stands. What was only accepted is called neither completed nor done."""
    words = (
        request.get_answer_display() if request.answer == Answer.ACCEPTED else request.get_status_display()
    )
    return badge(words, request_tone(request), request_mark_name(request))


def answer_in_words(request: ProcessorRequest) -> str:
    """What a finished request amounts to."""
    return str(_ACCEPTED) if request.answer == Answer.ACCEPTED else request.get_answer_display()


def request_mark(request: ProcessorRequest) -> SafeString:
    """The same as a mark of one letter's width: told apart by shape, spelt out in its title."""
    return _mark(request.processor.name, request.status, request.answer, get_language())


@lru_cache(maxsize=1024)
def _mark(processor: str, status: str, answer: str, _language: str | None) -> SafeString:
    """A list has many of them, of which few differ."""
    request = ProcessorRequest(status=status, answer=answer)
    words = answer_in_words(request) if answer else request.get_status_display()
    title = f"{processor}: {words}"
    return format_html(
        '<span class="mark mark-{}" title="{}">{}<span class="visually-hidden">{}</span></span>',
        request_tone(request),
        title,
        icon(request_mark_name(request)),
        title,
    )


def days_left(due_at: datetime, *, now: datetime | None = None) -> int:
    """Whole days until `due_at`, the first instant too late; 0 on the last day, negative once it is over."""
    return int((due_at - (now or timezone.now())).total_seconds() // 86400)


def days_in_words(days: int) -> str:
    if days < 0:
        return ngettext("%(days)d day overdue", "%(days)d days overdue", -days) % {"days": -days}
    if days == 0:
        return gettext("due today")
    return ngettext("%(days)d day left", "%(days)d days left", days) % {"days": days}


def due_tone(days: int) -> str:
    if days < 0:
        return "bad"
    return "warn" if days < SOON_DAYS else "quiet"


def number(count: int) -> str:
    """In groups of three digits, as the reader's language writes them."""
    return number_format(count, force_grouping=True)


def day(moment: datetime) -> str:
    """A date in the current time zone, always of the same width: 05 Dec 2026."""
    return dates.day_of(moment)
