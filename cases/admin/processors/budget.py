"""The live budget on a processor's page: how much of the vendor's limits is used, and how long the queue will take."""

from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from cases.admin import durations, widgets
from cases.services.dispatch import send_times
from integrations import budget
from integrations.errors import BudgetForgotten, NotSent
from integrations.models import Processor
from integrations.types import BudgetState, Used

FULL_PACE: Final = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One window: a bar of the vendor's limit, how much of it is ours, and how much of that is used (percent)."""

    label: str
    words: str
    share: int
    used: int
    full: bool


@dataclass(frozen=True, slots=True)
class Card:
    """`problem` stands for all the rest where the budget cannot be read now."""

    queued: int
    problem: str = ""
    bars: list[Bar] = field(default_factory=list)
    warming_up: str = ""
    next_call: str = ""
    next_new_request: str = ""
    takes: str = ""


def card(processor: Processor) -> Card:
    """The budget at this moment; reading it takes nothing from it."""
    queued = send_times.queued(processor)
    try:
        state = budget.state(processor)
        seconds = budget.seconds_for(processor, queued) if queued else 0.0
    except BudgetForgotten:
        return Card(
            queued,
            _("Usage is not counted at the moment. It is counted again before the next request is sent."),
        )
    except NotSent:
        return Card(
            queued,
            _("The queue store that holds the budget is not responding. Nothing is sent until it is back."),
        )
    return Card(
        queued=queued,
        bars=[_bar(_("Calls"), state.calls), *(_bar(_("New requests"), used) for used in state.new_requests)],
        warming_up=_warming_up(state),
        next_call=_next(state.wait_seconds),
        next_new_request=_next(max(state.wait_seconds, state.new_request_wait_seconds)),
        takes=durations.spell(seconds) if queued else "",
    )


def _bar(what: str, used: Used) -> Bar:
    limit = used.limit.count
    return Bar(
        label=_("%(what)s in the last %(window)s") % {"what": what, "window": _window(used.limit.seconds)},
        words=_("%(count)s of %(share)s (vendor limit: %(limit)s)")
        % {
            "count": widgets.number(used.count),
            "share": widgets.number(used.share),
            "limit": widgets.number(limit),
        },
        share=_percent(used.share, limit),
        used=_percent(used.count, limit),
        full=used.count >= used.share,
    )


def _window(seconds: int) -> str:
    """“minute” for sixty seconds, else a length."""
    return _("minute") if seconds == 60 else durations.spell(seconds)


def _percent(part: int, whole: int) -> int:
    """Rounded up, so that a little is something, and never more than all."""
    return min(100, -(-100 * part // max(1, whole)))


def _warming_up(state: BudgetState) -> str:
    if state.effort >= FULL_PACE:
        return ""
    if not state.calls.count:
        return _("Idle. Sending starts at %(effort)d %% of full speed.") % {"effort": state.effort}
    return _("Warming up: %(effort)d %% of full speed.") % {"effort": state.effort}


def _next(seconds: float) -> str:
    return _("now") if seconds <= 0 else _("in %(time)s") % {"time": durations.spell(seconds)}
