"""The one thing that is due now on a case: in words, with the button that does it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.sections import verification
from cases.admin.sections.requests import RequestCard
from cases.admin.sections.verification import VerificationCard
from cases.admin.verbs.table import BY_NAME
from cases.admin.verbs.verb import CaseVerb
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case
from cases.services.planning import approval, erasure_hold
from cases.services.status.request_status_text import Turn
from dsrportal.sentence import Sentence, paragraph


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is due now: a sentence, and the verb that does it if this person may."""

    sentence: Sentence | str
    verb: CaseVerb[Any] | None = None


def next_step(
    request: HttpRequest,
    case: Case,
    requests: list[RequestCard],
    due: list[CaseVerb[Any]],
    stands: Turn,
    proven: VerificationCard,
) -> NextStep:
    """The one thing that is due now, in words, with its verb where this person may do it."""

    def offered(name: str) -> CaseVerb[Any] | None:
        return BY_NAME[name] if BY_NAME[name] in due else None

    if case.status == CaseStatus.VERIFYING:
        return NextStep(verification.waiting_for_person(proven.link))
    if case.status == CaseStatus.INTAKE:
        return NextStep(_("Verify the requester and record how it was done."), offered("verify"))
    if case.status == CaseStatus.READY:
        refusal = approval.why_not(case, actor=actor_of(request), by_trail=False)
        if offered("approve") and not refusal:
            return NextStep(_("Review the plan. Approve it or deny the case."), offered("approve"))
        waits = Sentence("Waiting for approval.")
        return NextStep(paragraph([waits, refusal]) if offered("approve") and refusal else waits)
    if case.status == CaseStatus.REVIEW:
        if requests and all(
            card.request.status == RequestStatus.CANCELLED for card in requests if not card.dropped
        ):
            return NextStep(
                _(
                    "All requests were cancelled. If the requester withdrew, record the withdrawal. "
                    "Otherwise close the case."
                ),
                offered("close"),
            )
        return NextStep(_("All responses have arrived. Review them and close the case."), offered("close"))
    if case.status == CaseStatus.ATTENTION:
        return NextStep(
            _("A decision is needed before the case can continue."),
            offered("release") or offered("retry"),
        )
    if case.status == CaseStatus.WORKING and erasure_hold.is_held(case):
        return NextStep(
            _("Continues automatically when %(other)s is closed. Close that case or release this one.")
            % {"other": case.blocked_by},
            offered("release"),
        )
    if case.status == CaseStatus.WORKING:
        return NextStep(stands.sentence)
    closed_on = widgets.day(case.closed_at) if case.closed_at else ""
    return NextStep(
        _("Closed on %(day)s. Outcome: %(outcome)s.")
        % {"outcome": case.get_outcome_display(), "day": closed_on}
    )
