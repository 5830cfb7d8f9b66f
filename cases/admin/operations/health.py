"""The page “Health”: each check in words with what to do about it, and how each processor stands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin import durations, widgets
from cases.services.dispatch import waits as dispatch_waits
from cases.services.dispatch.waits import Line
from cases.services.status import health
from cases.services.status.health import Check, State

_BADGES: Final[dict[State, tuple[str | Promise, str, str]]] = {
    State.OK: (gettext_lazy("Works"), "good", "check"),
    State.LATE: (gettext_lazy("Late"), "warn", "clock"),
    State.FAILING: (gettext_lazy("Failing"), "bad", "attention"),
}


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    badge: SafeString
    sentence: str
    to_do: str


def health_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Looks anew at each visit, and shows nothing that whoever may see jobs may not see."""
    if not request.user.has_perm("cases.view_jobs"):
        raise PermissionDenied
    found = health.check()
    page = {
        **context,
        "title": _("Health"),
        "overall": _badge(found.state),
        "rows": [_row(check) for check in found.checks],
        "lines": health.bounded(
            lambda: dispatch_waits.lines(
                now=timezone.now(), after=timedelta(seconds=health.CALLBACKS_LATE_SECONDS)
            )
        ),
        "now": timezone.now(),
        "may_open": request.user.has_perm("integrations.view_processor"),
    }
    if page["lines"] is not None:
        page["lines"] = [_shown(line) for line in page["lines"]]
    return TemplateResponse(request, "portal/operations/health.html", page)


def _shown(line: Line) -> dict[str, Any]:
    waits = line.oldest_queued_seconds
    late = line.sending and waits is not None and waits > health.QUEUED_LATE_SECONDS
    words = "–" if waits is None else durations.spell(waits)
    return {"line": line, "waits": widgets.badge(words, "warn", "clock") if late else words}


def _row(check: Check) -> Row:
    label, say = _WORDS[check.name]
    sentence, to_do = say(check)
    return Row(str(label), _badge(check.state), sentence, "" if check.state == State.OK else to_do)


def _badge(state: State) -> SafeString:
    label, tone, icon = _BADGES[state]
    return widgets.badge(str(label), tone, icon)


# --- a sentence for each check, and what to do where it is not well


def _database(check: Check) -> tuple[str, str]:
    missing = check.figures["migrations_missing"]
    if missing is None:
        return (
            _("Not responding."),
            _("Start it or correct DATABASE_URL. Until then, callbacks receive the response “try again”."),
        )
    if missing:
        told = ngettext(
            "Responding, but %(count)d migration is missing.",
            "Responding, but %(count)d migrations are missing.",
            missing,
        )
        return told % {"count": missing}, format_html(_("Run {}."), _code("manage.py migrate"))
    return _("Responding and up to date."), ""


def _queue_store(check: Check) -> tuple[str, str]:
    if check.state == State.OK:
        return _("Responding."), ""
    return (
        _("Not responding. Nothing is lost, but nothing is sent until it is back."),
        _("Start it or correct REDIS_URL. Waiting requests are in the database and continue automatically."),
    )


def _workers(check: Check) -> tuple[str, str]:
    alive = {name: count for name, count in check.figures.items() if count}
    missing = [name for name in check.figures if not check.figures[name]]
    if None in check.figures.values():
        return _("Unknown while the queue store is not responding."), _("See the queue store.")
    if not missing:
        told = ", ".join(f"{name} {count}" for name, count in alive.items())
        return _("Running: %(told)s.") % {"told": told}, ""
    commands = format_html_join(", ", "{}", ((_code(f"manage.py worker {name}"),) for name in missing))
    return (
        _("No worker is running for: %(names)s.") % {"names": ", ".join(missing)},
        format_html(_("Start {}."), commands),
    )


def _schedule(check: Check) -> tuple[str, str]:
    seconds = check.figures["seconds"]
    if seconds is None:
        return (
            _(
                "The scheduler has not run in the last minute. Work left behind by a lost wake-up is not "
                "picked up."
            ),
            format_html(
                _("Start {}, unless the cause is that the queue store is not responding."),
                _code("manage.py schedule"),
            ),
        )
    return (
        _("Last run %(time)s ago.") % {"time": durations.spell(seconds)},
        format_html(_("Check the log of {} and restart it."), _code("manage.py schedule")),
    )


def _oldest_queued(check: Check) -> tuple[str, str]:
    seconds = check.figures["seconds"]
    if seconds is None:
        return _("Unknown while the database is not responding."), _("See the database.")
    if not seconds:
        return _("No request that can be sent now is waiting."), ""
    return (
        _("The oldest due request has been waiting for %(time)s.") % {"time": durations.spell(seconds)},
        _(
            "After a large approval this is normal: the processor's page shows how long the queue will "
            "take. Otherwise check the workers above and the cases with no progress."
        ),
    )


def _callbacks_silent(check: Check) -> tuple[str, str]:
    count = check.figures["processors"]
    if count is None:
        return _("Unknown while the database is not responding."), _("See the database.")
    if not count:
        return _("Receiving callbacks as expected."), ""
    told = ngettext(
        "%(count)d processor received a request more than %(time)s ago and has sent no callback since.",
        "%(count)d processors received a request more than %(time)s ago and have sent no callback since.",
        count,
    )
    return (
        told % {"count": count, "time": durations.spell(health.CALLBACKS_LATE_SECONDS)},
        _(
            "Check that the portal's address can be reached from outside and that the proxy forwards "
            "callbacks unchanged. Meanwhile the portal polls for the status, so no response is lost."
        ),
    )


def _code(text: str) -> SafeString:
    return format_html("<code>{}</code>", text)


_WORDS: Final[dict[str, tuple[str | Promise, Callable[[Check], tuple[str, str]]]]] = {
    "database": (gettext_lazy("Database"), _database),
    "queue_store": (gettext_lazy("Queue store"), _queue_store),
    "workers": (gettext_lazy("Workers"), _workers),
    "schedule": (gettext_lazy("Schedule"), _schedule),
    "oldest_queued_seconds": (gettext_lazy("Oldest request in the queue"), _oldest_queued),
    "callbacks_silent": (gettext_lazy("Callbacks"), _callbacks_silent),
}
