"""Verbs that change a case's plan or the identities it is about."""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin.verbs import plan_forms, previews
from cases.admin.verbs.forms import ConfirmForm
from cases.admin.verbs.verb import Verb
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, RequestStatus
from cases.models import Case, Finding, ProcessorRequest, ProfileSearch
from cases.services.person import identities
from cases.services.planning import change_plan, erasure_hold, profile_search
from cases.services.planning.change_plan import UNPLANNED


def _plannable(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    """Planned; and where it was approved already, nothing of it has left."""
    if case.status == CaseStatus.READY:
        return True
    if case.status not in {CaseStatus.WORKING, CaseStatus.ATTENTION} or case.type in UNVERIFIED_TYPES:
        return False
    standing = [
        request for request in requests if request.queued_at or request.status != RequestStatus.CANCELLED
    ]
    return bool(standing) and all(
        request.status == RequestStatus.QUEUED and not request.attempts for request in standing
    )


def _identifiable(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return case.status in UNPLANNED or _plannable(case, requests)


def _held(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return erasure_hold.is_held(case)


def _plan_told(case: Case) -> str:
    planned = case.requests.filter(status=RequestStatus.PLANNED).values("processor").distinct().count()
    asked = ngettext("%(count)d processor is asked", "%(count)d processors are asked", planned)
    return " ".join(
        [
            _("Changed the plan: %(asked)s, %(skipped)d left out.")
            % {"asked": asked % {"count": planned}, "skipped": case.skipped_processors.count()},
            _("It waits for an approver."),
        ]
    )


def _identities_told(case: Case) -> str:
    if case.status == CaseStatus.READY:
        return _("Changed the identities. The plan is made anew and waits for an approver.")
    return _("Changed the identities.")


def _searched_told(searches: Sequence[ProfileSearch]) -> str:
    answers = [search.finding for search in searches if search.finding != Finding.UNKNOWN]
    found, silent = answers.count(Finding.FOUND), len(searches) - len(answers)
    sentences = []
    if answers:
        asked = ngettext("Asked %(count)d processor", "Asked %(count)d processors", len(answers))
        knows = ngettext("%(found)d knows the person", "%(found)d know the person", found)
        sentences.append(f"{asked % {'count': len(answers)}}: {knows % {'found': found}}.")
    if silent:
        words = ngettext("%(count)d could not be asked.", "%(count)d could not be asked.", silent)
        sentences.append(words % {"count": silent})
    return " ".join(sentences)


PLAN_VERBS: Final = (
    Verb(
        "release",
        gettext_lazy("Release"),
        "right",
        "cases.release_case",
        due=_held,
        lead=gettext_lazy(
            "Lets this erasure go although the person still waits for an answer to another case. What is erased can no "
            "longer be shown to them."
        ),
        form=plan_forms.ReleaseForm,
        page=previews.release,
        template="portal/verbs/release.html",
        danger=True,
        call=lambda case, actor, said: erasure_hold.release(
            case, actor=actor, reason=said["reason"], text=said["text"]
        ),
        told=lambda _case: _("Released: it waits for no other case any more."),
    ),
    Verb(
        "plan",
        gettext_lazy("Change the plan"),
        "edit",
        "cases.plan_case",
        due=_plannable,
        lead=gettext_lazy(
            "Say which processors are asked. Whoever leaves one out says why; an approver reads it."
        ),
        form=plan_forms.PlanForm,
        asks=plan_forms.about_plan,
        initial=plan_forms.plan_as_it_is,
        page=previews.change,
        template="portal/verbs/plan.html",
        button=gettext_lazy("Change the plan"),
        call=lambda case, actor, said: change_plan.change(
            case,
            actor=actor,
            left_out=said["left_out"],
            skip_waiting_period=said.get("skip_waiting_period", False),
            text=said["text"],
        ),
        told=_plan_told,
    ),
    Verb(
        "identities",
        gettext_lazy("Change identities"),
        "edit",
        "cases.plan_case",
        due=_identifiable,
        lead=gettext_lazy("Processors look for the person by exactly these."),
        form=plan_forms.IdentitiesForm,
        asks=plan_forms.about_identities,
        page=previews.change,
        template="portal/verbs/identities.html",
        call=lambda case, actor, said: identities.change(
            case, actor=actor, add=said["add"], remove=said["remove"], text=said["text"]
        ),
        told=_identities_told,
    ),
    Verb(
        "search",
        gettext_lazy("Search the person"),
        "search",
        "cases.search_case",
        due=lambda case, _requests: case.status != CaseStatus.CLOSED,
        lead=gettext_lazy(
            "Asks each processor of the plan that can be searched whether it knows the person. It changes nothing "
            "there; what they say is kept with the case."
        ),
        form=ConfirmForm,
        page=previews.searches,
        template="portal/verbs/search.html",
        button=gettext_lazy("Ask now"),
        call=lambda case, actor, _said: profile_search.preview(case, actor=actor),
        told=_searched_told,
    ),
)
