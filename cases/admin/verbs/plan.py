"""Verbs that change a case's plan or the identities it is about, with what each asks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin.intake.forms import MoreIdentitiesFormSet
from cases.admin.sections import person
from cases.admin.sections import plan as plan_section
from cases.admin.sections.person import IdentityLine
from cases.admin.verb import ConfirmForm
from cases.admin.verbs import previews
from cases.admin.verbs.forms import NoteForm, ReasonForm
from cases.admin.verbs.verb import CaseVerb
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus, RequestStatus
from cases.models import Case, Finding, ProcessorRequest, ProfileSearch
from cases.services.person import identities
from cases.services.planning import change_plan, erasure_hold, profile_search
from cases.services.planning.change_plan import UNPLANNED
from cases.services.planning.erasure_hold import RELEASE_REASONS
from cases.services.planning.planning import LEFT_OUT_REASONS, Skip
from integrations.models import Processor
from integrations.types import Identity, RequestType


@dataclass(frozen=True, slots=True)
class Asked:
    """One processor on the form: the tick that asks it, and the reason where the tick is missing."""

    processor: Processor
    tick: forms.BoundField
    reason: forms.BoundField


class PlanForm(NoteForm):
    """Ticked processors are asked; each other one needs a reason."""

    skip_waiting_period = forms.BooleanField(
        label=gettext_lazy("Skip the waiting period"),
        required=False,
        help_text=gettext_lazy("The erasure can then be cancelled for less than 24 hours instead of 7 days."),
    )

    def __init__(
        self,
        *args: Any,
        processors: Sequence[Processor],
        cannot: Sequence[Skip],
        erasure: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.processors, self.cannot = processors, cannot
        if not erasure:
            del self.fields["skip_waiting_period"]
        for processor in processors:
            self.fields[f"ask-{processor.pk}"] = forms.BooleanField(label=processor.name, required=False)
            self.fields[f"reason-{processor.pk}"] = forms.ChoiceField(
                label=_("Reason for skipping %(name)s") % {"name": processor.name},
                choices=[("", _("Choose a reason")), *LEFT_OUT_REASONS.items()],
                required=False,
            )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        said["left_out"] = {}
        for processor in self.processors:
            if said.get(f"ask-{processor.pk}"):
                continue
            reason = said.get(f"reason-{processor.pk}", "")
            if reason:
                said["left_out"][processor.pk] = reason
            elif f"reason-{processor.pk}" not in self.errors:
                self.add_error(f"reason-{processor.pk}", _("Choose why this processor is skipped."))
        return said

    @property
    def rows(self) -> Iterator[Asked]:
        for processor in self.processors:
            yield Asked(processor, self[f"ask-{processor.pk}"], self[f"reason-{processor.pk}"])


def _about_plan(case: Case) -> dict[str, Any]:
    """What the form of a case's plan can offer."""
    plan = plan_section.possible(case)
    return {
        "processors": list(dict.fromkeys(each.processor for each in plan.requests)),
        "cannot": plan.skips,
        "erasure": case.type == RequestType.ERASURE,
    }


def _plan_as_it_is(case: Case) -> dict[str, Any]:
    chosen: dict[str, Any] = {"skip_waiting_period": case.skip_waiting_period}
    for each in plan_section.possible(case).requests:
        chosen[f"ask-{each.processor.pk}"] = True
    for row in case.skipped_processors.filter(skipped_by__isnull=False):
        chosen[f"ask-{row.processor_id}"] = False
        chosen[f"reason-{row.processor_id}"] = row.reason
    return chosen


class IdentitiesForm(NoteForm):
    """Ticked identities go; what the rows below hold is added."""

    remove = forms.MultipleChoiceField(
        label=gettext_lazy("Remove"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, identities: Sequence[IdentityLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        remove = self.fields["remove"]
        assert isinstance(remove, forms.MultipleChoiceField)
        remove.choices = [(line.key, f"{line.kind} {line.value}") for line in identities]
        self.rows = MoreIdentitiesFormSet(self.data if self.is_bound else None, prefix="identities")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if not self.rows.is_valid():
            for sentence in self.rows.non_form_errors():
                self.add_error(None, sentence)
            if self.rows.total_error_count():
                self.add_error(None, _("Fix the fields marked below."))
            return said
        added: list[Identity] = self.rows.identities
        said["add"] = added
        said["remove"] = [UUID(key) for key in said.get("remove", [])]
        return said


class ReleaseForm(ReasonForm):
    reasons = RELEASE_REASONS


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


def _plan_told(_before: Case, case: Case) -> str:
    planned = case.requests.filter(status=RequestStatus.PLANNED).values("processor").distinct().count()
    asked = ngettext("%(count)d processor included", "%(count)d processors included", planned)
    return " ".join(
        [
            _("Plan changed: %(asked)s, %(skipped)d skipped.")
            % {"asked": asked % {"count": planned}, "skipped": case.skipped_processors.count()},
            _("It is waiting for approval."),
        ]
    )


def _identities_told(_before: Case, case: Case) -> str:
    if case.status == CaseStatus.READY:
        return _("Identifiers changed. The plan was updated and is waiting for approval.")
    return _("Identifiers changed.")


def _searched_told(_case: Case, searches: Sequence[ProfileSearch]) -> str:
    answers = [search.finding for search in searches if search.finding != Finding.UNKNOWN]
    found, silent = answers.count(Finding.FOUND), len(searches) - len(answers)
    sentences = []
    if answers:
        asked = ngettext("Searched %(count)d processor", "Searched %(count)d processors", len(answers))
        knows = ngettext("found in %(found)d", "found in %(found)d", found)
        sentences.append(f"{asked % {'count': len(answers)}}: {knows % {'found': found}}.")
    if silent:
        words = ngettext("%(count)d could not be searched.", "%(count)d could not be searched.", silent)
        sentences.append(words % {"count": silent})
    return " ".join(sentences)


PLAN_VERBS: Final[tuple[CaseVerb[Case], ...]] = (
    CaseVerb(
        "release",
        gettext_lazy("Release from hold"),
        "right",
        "cases.release_case",
        due=_held,
        lead=gettext_lazy(
            "Sends this erasure although the data subject is still waiting for the response to another "
            "case. Erased data can no longer be disclosed to them."
        ),
        form=ReleaseForm,
        page=previews.release,
        template="portal/verbs/release.html",
        danger=True,
        call=lambda case, actor, said: erasure_hold.release(
            case, actor=actor, reason=said["reason"], text=said["text"]
        ),
        told=lambda _case, _result: _("Released from hold. The case no longer waits for another case."),
    ),
    CaseVerb(
        "plan",
        gettext_lazy("Change plan"),
        "edit",
        "cases.plan_case",
        due=_plannable,
        lead=gettext_lazy(
            "Choose which processors receive a request. Enter a reason for each one you skip. The "
            "approver sees it."
        ),
        form=PlanForm,
        asks=_about_plan,
        initial=_plan_as_it_is,
        page=previews.change,
        template="portal/verbs/plan.html",
        button=gettext_lazy("Change plan"),
        call=lambda case, actor, said: change_plan.change(
            case,
            actor=actor,
            left_out=said["left_out"],
            skip_waiting_period=said.get("skip_waiting_period", False),
            text=said["text"],
        ),
        told=_plan_told,
    ),
    CaseVerb(
        "identities",
        gettext_lazy("Change identifiers"),
        "edit",
        "cases.plan_case",
        due=_identifiable,
        lead=gettext_lazy("Processors search for the data subject by exactly these identifiers."),
        form=IdentitiesForm,
        asks=lambda case: {"identities": person.identities(case)},
        page=previews.change,
        template="portal/verbs/identities.html",
        call=lambda case, actor, said: identities.change(
            case, actor=actor, add=said["add"], remove=said["remove"], text=said["text"]
        ),
        told=_identities_told,
    ),
    CaseVerb(
        "search",
        gettext_lazy("Search processors"),
        "search",
        "cases.search_case",
        due=lambda case, _requests: case.status != CaseStatus.CLOSED,
        lead=gettext_lazy(
            "Asks each searchable processor of the plan whether it holds data on the data subject. "
            "Nothing is changed there. The results are stored with the case."
        ),
        form=ConfirmForm,
        page=previews.searches,
        template="portal/verbs/search.html",
        button=gettext_lazy("Query now"),
        call=lambda case, actor, _said: profile_search.preview(case, actor=actor),
        told=_searched_told,
    ),
)
