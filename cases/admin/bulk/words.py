"""Texts of a bulk run's page: why cases are left out, its states, and what its preview counted."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin import durations, widgets
from cases.models import BulkRow, BulkRun, BulkState, BulkVerb, RowState
from cases.services.bulk import preview as bulk_preview
from cases.services.processors import pausing
from integrations.types import Regulation, RequestType

# Codes of `services.bulk_rules`.
LEFT_OUT: Final = {
    "closed": gettext_lazy("Already closed"),
    "no_verification": gettext_lazy("Verification not required"),
    "verified": gettext_lazy("Already verified"),
    "assigned": gettext_lazy("Already assigned"),
    "not_ready": gettext_lazy("Not ready for approval"),
    "four_eyes": gettext_lazy(
        "Requires a second person: whoever started this opened, verified or last changed the case"
    ),
    "approved": gettext_lazy("Already approved"),
    "nothing_to_cancel": gettext_lazy("Nothing to cancel"),
    "not_in_review": gettext_lazy("Not in review"),
}
AGES: Final = (
    ("overdue", gettext_lazy("Overdue")),
    ("week", gettext_lazy("Due within 7 days")),
    ("month", gettext_lazy("Due within 30 days")),
    (bulk_preview.LATER, gettext_lazy("Due later")),
)
_STATE_TONES: Final[dict[str, tuple[str, str]]] = {
    BulkState.PREPARING: ("wait", "clock"),
    BulkState.PREVIEWED: ("act", "eye"),
    BulkState.RUNNING: ("wait", "case-working"),
    BulkState.UNDOING: ("wait", "case-working"),
    BulkState.DONE: ("good", "check"),
    BulkState.CANCELLED: ("quiet", "close"),
}
_ROW_TONES: Final[dict[str, str]] = {
    RowState.WAITING: "wait",
    RowState.LEFT_OUT: "quiet",
    RowState.DONE: "good",
    RowState.REFUSED: "warn",
    RowState.FAILED: "bad",
    RowState.UNDOING: "wait",
    RowState.UNDONE: "quiet",
}


def state_badge(run: BulkRun) -> SafeString:
    tone, icon = _STATE_TONES[run.state]
    return widgets.badge(run.get_state_display(), tone, icon)


def row_badge(row: BulkRow) -> SafeString:
    return widgets.badge(row.get_state_display(), _ROW_TONES[row.state])


def why(row: BulkRow) -> str:
    """Why a row is where it is, in a sentence; nothing for one that was simply done."""
    return str(LEFT_OUT[row.code]) if row.code in LEFT_OUT else str(row.sentence)


@dataclass(frozen=True, slots=True)
class Preview:
    """Words with numbers, as the page shows them."""

    cases: int
    kinds: list[tuple[str, int]]
    ages: list[tuple[str, int]]
    processors: list[tuple[str, int]]
    left_out: list[tuple[str, int]]
    warnings: list[str]
    takes: list[str]


def preview(run: BulkRun) -> Preview:
    found = run.preview
    left_out = found.get("left_out", {})
    return Preview(
        cases=found.get("cases", 0),
        kinds=[
            (f"{RequestType(kind).label} · {Regulation(law).label}", number)
            for kind, law, number in found.get("kinds", [])
        ],
        ages=[(str(words), found["ages"][age]) for age, words in AGES if found.get("ages", {}).get(age)],
        processors=[(name, number) for _key, name, number in found.get("processors", [])],
        left_out=[(str(words), left_out[code]) for code, words in LEFT_OUT.items() if left_out.get(code)],
        warnings=_warnings(run),
        takes=_takes(run) if found.get("cases") else [],
    )


def _warnings(run: BulkRun) -> list[str]:
    said = []
    held = run.preview.get("held", 0)
    if run.verb == BulkVerb.APPROVE and held:
        said.append(
            ngettext(
                "%(count)d case will be put on hold after approval, because the same data subject is "
                "waiting for another response.",
                "%(count)d cases will be put on hold after approval, because the same data subjects are "
                "waiting for other responses.",
                held,
            )
            % {"count": held}
        )
    if run.verb == BulkVerb.APPROVE and pausing.is_paused():
        said.append(_("Nothing is sent while all sending is paused."))
    return said


def _takes(run: BulkRun) -> list[str]:
    """How long it will take: the work here, the cool-off, and the budget of the processors."""
    here = durations.spell(max(1.0, bulk_preview.row_seconds(run.preview["cases"])))
    said = [_("Processing the list takes about %(time)s.") % {"time": here}]
    if run.verb != BulkVerb.APPROVE:
        return said
    wait = settings.BULK_COOL_OFF_SECONDS
    cooling = run.preview.get("cooling", 0)
    if cooling and wait > 0:
        said.append(
            ngettext(
                "After that, %(count)d erasure or correction waits for %(time)s and can be undone until "
                "then.",
                "After that, %(count)d erasures and corrections wait for %(time)s and can be undone "
                "until then.",
                cooling,
            )
            % {"count": cooling, "time": durations.spell(wait)}
        )
    seconds = bulk_preview.sending_seconds(run)
    if seconds is None:
        return [
            *said,
            _("The time needed for sending cannot be estimated because the queue store does not respond."),
        ]
    leaves = max(seconds, wait if cooling else 0.0)
    if leaves <= 60:
        return [*said, _("The last request will be sent within a minute after that.")]
    return [
        *said,
        _("Based on the budgets of the processors, the last request will be sent in about %(time)s.")
        % {"time": durations.spell(leaves + bulk_preview.row_seconds(run.preview["cases"]))},
    ]
