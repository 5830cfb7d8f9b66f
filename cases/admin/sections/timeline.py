"""The story of a case, from its audit events: what, who, when, from where and why."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actor import Source
from cases.models import AuditEvent, VerificationMethod
from cases.services.closing.closing import CLOSING_REASONS, REOPENING_REASONS
from cases.services.person.disclosure import REVEAL_REASONS
from cases.services.person.evidence import FAILURES
from cases.services.planning.approval import DENIAL_REASONS
from cases.services.planning.erasure_hold import RELEASE_REASONS
from dsrportal.database.prepared import Given, Prepared

REASONS_IN_WORDS: Final[dict[str, Any]] = {
    **dict(VerificationMethod.choices),
    **DENIAL_REASONS,
    **REOPENING_REASONS,
    **REVEAL_REASONS,
    **RELEASE_REASONS,
    **CLOSING_REASONS,
    **FAILURES,
}
# Who it was, where it was no person.
NOBODY: Final[dict[str, Any]] = {
    Source.CALLBACK: gettext_lazy("A signed callback"),
    Source.REPORT: gettext_lazy("The processor’s response"),
    Source.SCHEDULE: gettext_lazy("The portal, automatically"),
    Source.COMMAND: gettext_lazy("A command"),
    Source.PERSON: gettext_lazy("The data subject"),
}
# First part of the action -> icon.
ICONS: Final = {
    "case": "cases",
    "verification": "case-verifying",
    "request": "send",
    "forwarding": "send",
    "result": "download",
    "identity": "eye",
    "profile": "search",
    "task": "task",
    "attention": "attention",
    "note": "note",
    "attachment": "attach",
}


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    icon: str
    sentence: str
    who: str
    where: str
    reason: str
    note: str


EVENTS: Final = Prepared(
    lambda: AuditEvent.objects.filter(case=Given("case")).select_related("actor").order_by("-id")
)


def timeline(events: Iterable[AuditEvent], *, with_notes: Collection[UUID]) -> list[Entry]:
    """Newest first. Named by an audit event, a note is linked to; its words are not repeated here."""
    notes = {str(key) for key in with_notes}
    return [_entry(event, notes) for event in events]


def _entry(event: AuditEvent, notes: Collection[str]) -> Entry:
    note = event.details.get("note", "")
    sentence = event.sentence
    reason = str(REASONS_IN_WORDS.get(event.reason, event.reason.replace("_", " ")))
    return Entry(
        at=event.at,
        icon=ICONS.get(event.action.partition(".")[0], "info"),
        sentence=sentence,
        who=event.actor_label or str(NOBODY.get(event.source) or event.get_source_display()),
        where=_("from %(address)s") % {"address": event.address} if event.address else "",
        # Some sentences say it already.
        reason="" if reason in sentence else reason,
        note=note if note in notes else "",
    )
