"""Verbs of a case, one row each; those of its plan and its parts have tables of their own."""

from collections.abc import Sequence
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin.verb import ConfirmForm
from cases.admin.verbs import answers, previews
from cases.admin.verbs.assigning import WORK_VERBS
from cases.admin.verbs.forms import ApproveForm, CloseForm, DenyForm, ReopenForm, RevealForm
from cases.admin.verbs.notes import TALK_VERBS
from cases.admin.verbs.parts import PART_VERBS
from cases.admin.verbs.plan import PLAN_VERBS
from cases.admin.verbs.verb import CaseVerb, at
from cases.admin.verbs.verification import VERIFICATION_VERBS
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services.closing import closing
from cases.services.dispatch import cancellation, retrying
from cases.services.person import disclosure
from cases.services.planning import approval
from cases.services.reports import reconciling


def _cancellable(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return any(
        request.status in cancellation.CANCELLABLE and request.cancel_requested_at is None
        for request in requests
    )


def _failed(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return any(request.status == RequestStatus.FAILED for request in requests)


def _with_processor(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    """In flight; or finished, and perhaps denied since by the processor, which is then open to be decided."""
    disputed = (
        {RequestStatus.COMPLETED, RequestStatus.CANCELLED} if case.status == CaseStatus.ATTENTION else set()
    )
    return any(request.in_flight or request.status in disputed for request in requests)


def _withdrawable(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    held = {RequestStatus.PLANNED, RequestStatus.CANCELLED, RequestStatus.COMPLETED}
    return case.status != CaseStatus.CLOSED and all(request.status in held for request in requests)


CASE_VERBS: Final[tuple[CaseVerb[Case], ...]] = (
    *VERIFICATION_VERBS,
    CaseVerb(
        "approve",
        gettext_lazy("Approve"),
        "case-ready",
        "cases.approve_case",
        due=at(CaseStatus.READY),
        lead=gettext_lazy("You approve exactly this plan. Its requests are queued for sending at once."),
        form=ApproveForm,
        page=previews.approve,
        template="portal/verbs/approve.html",
        call=lambda case, actor, said: approval.approve(
            case, actor=actor, digest=said["digest"], text=said["text"]
        ),
        told=lambda _before, case: (
            _("Approved. Nothing is sent until %(other)s is closed.") % {"other": case.blocked_by}
            if case.blocked_by_id
            else _("Approved. The requests are being sent.")
        ),
    ),
    CaseVerb(
        "close",
        gettext_lazy("Close"),
        "case-closed",
        "cases.close_case",
        due=at(CaseStatus.REVIEW),
        lead=gettext_lazy(
            "The outcome suggested by the responses is selected. To choose another one, explain why in "
            "a note. A better outcome also requires a reason."
        ),
        form=CloseForm,
        asks=lambda case: {"amounts_to": closing.proposed_outcome(case)},
        page=previews.close,
        template="portal/verbs/close.html",
        initial=lambda case: {"outcome": closing.proposed_outcome(case)},
        call=lambda case, actor, said: closing.close(
            case, actor=actor, outcome=said["outcome"], text=said["text"], reason=said.get("reason", "")
        ),
        told=lambda _before, case: (
            _("Closed. Outcome: %(outcome)s.") % {"outcome": case.get_outcome_display()}
        ),
    ),
    CaseVerb(
        "retry",
        gettext_lazy("Try again"),
        "case-working",
        "cases.refresh_case",
        due=_failed,
        lead=gettext_lazy("Queues the failed requests again under their existing IDs."),
        form=ConfirmForm,
        page=previews.retry,
        template="portal/verbs/requests.html",
        call=lambda case, actor, _said: retrying.retry(case, actor=actor),
        told=lambda _case, count: (
            ngettext("%(count)d request was queued again.", "%(count)d requests were queued again.", count)
            % {"count": count}
        ),
    ),
    *PLAN_VERBS,
    CaseVerb(
        "refresh",
        gettext_lazy("Check status"),
        "clock",
        "cases.refresh_case",
        due=_with_processor,
        lead=gettext_lazy(
            "Asks each processor for the current status of its request. Reload the case in a moment to "
            "see the responses."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Query now"),
        call=lambda case, actor, _said: reconciling.ask_for_refresh(case, actor=actor),
        told=lambda _case, count: (
            ngettext(
                "Checking the status of %(count)d request.",
                "Checking the status of %(count)d requests.",
                count,
            )
            % {"count": count}
        ),
    ),
    CaseVerb(
        "reveal",
        gettext_lazy("Reveal identifiers"),
        "eye",
        "cases.reveal_identity",
        due=lambda _case, _requests: True,
        lead=gettext_lazy(
            "Shows the identifiers once as they were given. Your access, the time and the reason are "
            "recorded in the audit trail."
        ),
        form=RevealForm,
        button=gettext_lazy("Reveal"),
        call=lambda case, actor, said: disclosure.reveal(
            case, actor=actor, reason=said["reason"], text=said["text"]
        ),
        answer=answers.revealed,
    ),
    CaseVerb(
        "cancel",
        gettext_lazy("Cancel requests"),
        "mark-cancelled",
        "cases.cancel_case",
        due=_cancellable,
        lead=gettext_lazy(
            "Requests that were not sent are cancelled at once. All others are cancelled when the "
            "processor confirms it, unless it refuses."
        ),
        page=previews.cancel,
        template="portal/verbs/requests.html",
        danger=True,
        call=lambda case, actor, said: cancellation.cancel(case, actor=actor, text=said["text"]),
        told=lambda _case, count: (
            ngettext("Cancelling %(count)d request.", "Cancelling %(count)d requests.", count)
            % {"count": count}
        ),
    ),
    CaseVerb(
        "deny",
        gettext_lazy("Deny"),
        "close",
        "cases.approve_case",
        due=at(*approval.UNAPPROVED),
        lead=gettext_lazy("Closes the case without sending anything. The requester must be told why."),
        form=DenyForm,
        danger=True,
        call=lambda case, actor, said: approval.deny(
            case, actor=actor, reason=said["reason"], text=said["text"]
        ),
        told=lambda _before, case: (
            _("Closed. Outcome: %(outcome)s.") % {"outcome": case.get_outcome_display()}
        ),
    ),
    CaseVerb(
        "withdraw",
        gettext_lazy("Record withdrawal"),
        "person",
        "cases.withdraw_case",
        due=_withdrawable,
        lead=gettext_lazy("The requester withdrew the request. The case is closed and nothing more is sent."),
        danger=True,
        call=lambda case, actor, said: closing.withdraw(case, actor=actor, text=said["text"]),
        told=lambda _case, _result: _("Withdrawal recorded. The case is closed."),
    ),
    CaseVerb(
        "reopen",
        gettext_lazy("Reopen"),
        "case-working",
        "cases.reopen_case",
        due=at(CaseStatus.CLOSED),
        lead=gettext_lazy(
            "An approved case returns to the status that its requests have. Any other case returns to "
            "intake. The deadline keeps running."
        ),
        form=ReopenForm,
        call=lambda case, actor, said: closing.reopen(
            case, actor=actor, reason=said["reason"], text=said["text"]
        ),
        told=lambda _case, _result: _("Reopened."),
    ),
)

VERBS: Final[tuple[CaseVerb[Any], ...]] = (*CASE_VERBS, *WORK_VERBS, *TALK_VERBS, *PART_VERBS)
BY_NAME: Final = {verb.name: verb for verb in VERBS}
