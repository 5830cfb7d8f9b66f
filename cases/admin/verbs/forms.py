"""Forms of the verbs."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.admin.verb import ConfirmForm
from cases.lifecycle import Outcome
from cases.services.closing.closing import CLOSING_OUTCOMES, CLOSING_REASONS, REOPENING_REASONS
from cases.services.person.disclosure import REVEAL_REASONS
from cases.services.planning.approval import DENIAL_REASONS
from dsrportal.sentence import Sentence


def _choices(reasons: Mapping[str, Sentence]) -> list[tuple[str, Sentence]]:
    return list(reasons.items())


class NoteForm(ConfirmForm):
    """A note, encrypted with the case."""

    text = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Stored encrypted with the case. Everyone with access to the case can read it."),
    )


class ApproveForm(NoteForm):
    # What was looked at. The page writes it itself, so that after a refusal it shows the plan of now.
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)


class ReasonForm(NoteForm):
    """A reason of a list, and a note."""

    reasons: Mapping[str, Sentence] = {}

    reason = forms.ChoiceField(
        label=_("Reason"), widget=forms.RadioSelect, error_messages={"required": _("Enter a reason.")}
    )
    field_order = ("reason", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _choices(self.reasons)


class DenyForm(ReasonForm):
    reasons = DENIAL_REASONS


class ReopenForm(ReasonForm):
    reasons = REOPENING_REASONS


class RevealForm(ReasonForm):
    reasons = REVEAL_REASONS


class CloseForm(NoteForm):
    """A reason is asked for where an outcome better than what the answers amount to can be chosen."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=[(outcome.value, Outcome(outcome).label) for outcome in CLOSING_OUTCOMES],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose an outcome.")},
    )
    reason = forms.ChoiceField(
        label=_("Reason for a better outcome than the responses support"),
        choices=[("", _("Not needed")), *_choices(CLOSING_REASONS)],
        required=False,
        widget=forms.RadioSelect,
    )
    field_order = ("outcome", "reason", "text")

    def __init__(self, *args: Any, amounts_to: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if amounts_to in {Outcome.FULFILLED, Outcome.NO_DATA_HELD}:
            del self.fields["reason"]
