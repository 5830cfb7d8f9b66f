"""The verification of a person on the case page: the current link, and every attempt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cases.admin.sections import person
from cases.models import EmailConfirmation, LinkState, Verification
from cases.services.person.evidence import DATA_POINTS, DOCUMENTS, FAILURES, PROOFS
from dsrportal.database.prepared import Given, Prepared

TONES: Final = {
    LinkState.WAITING: "wait",
    LinkState.REFUSED: "bad",
    LinkState.SENT: "info",
    LinkState.EXPIRED: "warn",
    LinkState.CANCELLED: "quiet",
    LinkState.USED: "good",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One link: where it stands, and to which address it went, masked."""

    confirmation: EmailConfirmation
    address: str

    @property
    def state(self) -> str:
        return str(self.confirmation.state.label)

    @property
    def tone(self) -> str:
        return TONES[self.confirmation.state]

    @property
    def trouble(self) -> str:
        """What keeps it from being sent, and what happens next."""
        row = self.confirmation
        if not row.last_error:
            return ""
        if row.state == LinkState.REFUSED:
            return _("The mail server rejected this address (%(error)s). Choose another way.") % {
                "error": row.last_error
            }
        if row.state != LinkState.WAITING:
            return ""
        return _("The mail server did not accept the link (%(error)s). It is sent again automatically.") % {
            "error": row.last_error
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    method: str
    passed: bool
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class VerificationCard:
    # The last one is all that counts; the others are in the timeline.
    link: Link | None
    attempts: list[Attempt]

    @property
    def shown(self) -> bool:
        return self.link is not None or bool(self.attempts)


LAST_LINK: Final = Prepared(
    lambda: (
        EmailConfirmation.objects.filter(case=Given("case"))
        .select_related("identity__subject__data_key", "asked_by")
        .order_by("-asked_at")[:1]
    )
)
ATTEMPTS: Final = Prepared(
    lambda: Verification.objects.filter(case=Given("case")).select_related("by").order_by("-at")
)


def card(links: Sequence[EmailConfirmation], attempts: Iterable[Verification]) -> VerificationCard:
    """Of the answers to `LAST_LINK` and `ATTEMPTS`."""
    return VerificationCard(
        link=_link(links[0]) if links else None, attempts=[_attempt(each) for each in attempts]
    )


def _link(confirmation: EmailConfirmation) -> Link:
    gone = _("a removed address")
    return Link(confirmation, person.masked(confirmation.identity) if confirmation.identity else gone)


def _attempt(attempt: Verification) -> Attempt:
    return Attempt(
        at=attempt.at,
        method=attempt.get_method_display(),
        passed=attempt.passed,
        who=attempt.by.get_username() if attempt.by else _("The data subject"),
        words=evidence_text(attempt.details),
    )


def evidence_text(details: dict[str, Any]) -> str:
    """What was looked at; a code that this version does not know is left out."""
    parts = [str(DATA_POINTS[point]) for point in details.get("points", []) if point in DATA_POINTS]
    if details.get("declaration"):
        parts.append(_("declaration on file"))
    parts += [str(DOCUMENTS[each]) for each in [details.get("document")] if each in DOCUMENTS]
    parts += [str(PROOFS[each]) for each in [details.get("proof")] if each in PROOFS]
    if details.get("directly"):
        parts.append(_("data subject also asked directly"))
    parts += [str(FAILURES[each]) for each in [details.get("failure")] if each in FAILURES]
    return ", ".join(parts)


def waiting_for_person(link: Link | None) -> str:
    """What is due while a case waits for the person."""
    row = link.confirmation if link else None
    if row is None or row.state == LinkState.WAITING:
        return _("The confirmation link is being sent to the requester.")
    if row.expires_at is not None and row.state == LinkState.SENT:
        return _("Waiting for the requester to confirm. The link is valid until %(when)s.") % {
            "when": date_format(timezone.localtime(row.expires_at), "DATETIME_FORMAT")
        }
    return _("Send the requester a new link, or verify them in another way.")
