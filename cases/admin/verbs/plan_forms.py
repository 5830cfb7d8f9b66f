"""Forms asked before a plan, or the person it is about, is changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.intake.forms import MoreIdentitiesFormSet
from cases.admin.sections import plan as plan_section
from cases.admin.sections.person import IdentityLine, identities
from cases.admin.verbs.forms import NoteForm, ReasonForm
from cases.models import Case
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
        help_text=gettext_lazy(
            "Leaves less than 24 hours in which the erasure can be cancelled, instead of 7 days."
        ),
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
                label=_("Why %(name)s is not asked") % {"name": processor.name},
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
                self.add_error(f"reason-{processor.pk}", _("Say why it is not asked."))
        return said

    @property
    def rows(self) -> Iterator[Asked]:
        for processor in self.processors:
            yield Asked(processor, self[f"ask-{processor.pk}"], self[f"reason-{processor.pk}"])


def about_plan(case: Case, _part: Any) -> dict[str, Any]:
    """What the form of a case's plan can offer."""
    plan = plan_section.possible(case)
    return {
        "processors": list(dict.fromkeys(each.processor for each in plan.requests)),
        "cannot": plan.skips,
        "erasure": case.type == RequestType.ERASURE,
    }


def plan_as_it_is(case: Case, _part: Any) -> dict[str, Any]:
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
                self.add_error(None, _("See what is marked below."))
            return said
        added: list[Identity] = self.rows.identities
        said["add"] = added
        said["remove"] = [UUID(key) for key in said.get("remove", [])]
        return said


def about_identities(case: Case, _part: Any) -> dict[str, Any]:
    return {"identities": identities(case)}


class ReleaseForm(ReasonForm):
    reasons = RELEASE_REASONS
