"""Pausing and resuming everything outgoing, and the banner that says on every page what is paused."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.processors.verbs import PauseForm
from cases.admin.verb import Verb, permitted, verb_page
from cases.services.processors import accounts, pausing
from cases.services.processors.pausing import Pause
from dsrportal.sentence import within

PERMISSION: Final = "integrations.pause_outgoing"
# More than these are counted in one line.
NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Banner:
    """One line at the head of a page; `url` where whoever looks may go to end the pause."""

    headline: str
    sentence: str
    tone: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Paused:
    """What the head of every page says of pauses."""

    everything: bool
    banners: list[Banner]


NOTHING_PAUSED: Final = Paused(False, [])


def paused(request: HttpRequest, found: list[Pause]) -> Paused:
    """What the pauses that stand come to, for whoever looks."""
    return Paused(any(not pause.name for pause in found), list(_banners(request, found)))


def _banners(request: HttpRequest, found: list[Pause]) -> Iterator[Banner]:
    for pause in found:
        if not pause.name:
            yield _of_everything(request, pause)
    of_processors = [pause for pause in found if pause.name]
    sees = request.user.has_perm("integrations.view_processor") or request.user.has_perm("cases.view_case")
    if not sees or len(of_processors) > NAMED:
        yield from _of_many(request, of_processors, named=sees)
    else:
        yield from (_of_one(request, pause) for pause in of_processors)


def _of_everything(request: HttpRequest, pause: Pause) -> Banner:
    may = request.user.has_perms([PERMISSION, "integrations.view_processor"])
    return Banner(
        _("All sending has been paused since %(when)s (%(why)s)") % _when_and_why(pause),
        _("Nothing is sent. Callbacks are still accepted. Legal deadlines keep running."),
        "warn",
        *((reverse("admin:integrations_outgoing_verb", args=["resume"]), _("Resume")) if may else ()),
    )


def _of_one(request: HttpRequest, pause: Pause) -> Banner:
    url = reverse("admin:integrations_processor_change", args=[pause.processor_id])
    may = request.user.has_perm("integrations.view_processor") and url != request.path
    by_hand = pause.reason in accounts.PAUSE_REASONS
    return Banner(
        _("%(name)s has been paused since %(when)s (%(why)s)") % {"name": pause.name, **_when_and_why(pause)},
        _("Nothing is sent to it. Callbacks are still accepted. Legal deadlines keep running."),
        "warn" if by_hand else "bad",
        *((url, _("Open")) if may else ()),
    )


def _of_many(request: HttpRequest, found: list[Pause], *, named: bool) -> Iterator[Banner]:
    if not found:
        return
    names = ", ".join(pause.name for pause in found)
    count = {"count": len(found)}
    headline = _("A processor is paused") if len(found) == 1 else _("%(count)d processors are paused") % count
    url = reverse("admin:integrations_processor_changelist")
    may = request.user.has_perm("integrations.view_processor") and url != request.path
    yield Banner(
        f"{headline}: {names}" if named else headline,
        _("Nothing is sent there. Callbacks are still accepted. Legal deadlines keep running."),
        "warn" if all(pause.reason in accounts.PAUSE_REASONS for pause in found) else "bad",
        *((url, _("Open")) if may else ()),
    )


def _when_and_why(pause: Pause) -> dict[str, str]:
    why = accounts.PAUSED_BECAUSE.get(pause.reason, pause.reason.replace("_", " "))
    return {"when": _clock(pause.since), "why": within(why)}


def _clock(instant: datetime) -> str:
    """In the zone of who looks; the day only where it is not today."""
    there = timezone.localtime(instant)
    today = there.date() == timezone.localdate()
    return date_format(there, "H:i" if today else "DATETIME_FORMAT")


# --- the verbs


VERBS: Final[tuple[Verb[None], ...]] = (
    Verb(
        "pause",
        gettext_lazy("Pause all sending"),
        "pause",
        PERMISSION,
        gettext_lazy(
            "Nothing is sent to any processor until sending is resumed: no new requests, no "
            "cancellations, no status checks and no result downloads. Calls already in progress still "
            "arrive. Callbacks are still accepted and connections can still be tested. Legal deadlines "
            "do not pause."
        ),
        lambda _portal, actor, said: pausing.pause(actor=actor, reason=said["reason"]),
        form=PauseForm,
        told=lambda _portal, _nothing: _("All sending is paused."),
    ),
    Verb(
        "resume",
        gettext_lazy("Resume all sending"),
        "send",
        PERMISSION,
        gettext_lazy(
            "Waiting requests are sent at once, in order of legal due date and within the budget of "
            "each processor. Processors that are paused individually stay paused."
        ),
        lambda _portal, actor, _said: pausing.resume(actor=actor),
        told=lambda _portal, _nothing: _("Sending has resumed."),
    ),
)


def page(request: HttpRequest, context: dict[str, Any], name: str) -> HttpResponseBase:
    verb = permitted(request, VERBS, name, sees="integrations.view_processor")
    back = reverse("admin:integrations_processor_changelist")
    return verb_page(request, context, verb, None, back=back)
