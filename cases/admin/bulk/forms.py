"""Forms asked before a verb is done to many cases: those of one case, without what only one case can answer."""

from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verb import ConfirmForm
from cases.admin.verbs.forms import NoteForm
from cases.admin.verbs.verification_forms import EvidenceForm
from cases.models import VerificationMethod
from dsrportal.models import User


class BulkVerifyForm(EvidenceForm):
    """One evidence for all of them; the rule of each case's type decides whether it is enough."""

    method = forms.ChoiceField(
        label=gettext_lazy("How were the requesters verified?"),
        # An address is confirmed by the person alone.
        choices=[
            each for each in VerificationMethod.choices if each[0] != VerificationMethod.EMAIL_CONFIRMED
        ],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose how the requesters were verified.")},
    )
    field_order = ("method", "points", "declaration", "document", "proof", "directly", "text")


class BulkAssignForm(ConfirmForm):
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Assign to"),
        queryset=User.objects.filter(is_active=True, is_staff=True).order_by("username"),
        required=False,
        empty_label=gettext_lazy("No one"),
        help_text=gettext_lazy("Replaces the current assignee of each case."),
    )


class BulkTagForm(ConfirmForm):
    """What is added and what is taken away; other tags stay as they are."""

    add = forms.CharField(
        label=gettext_lazy("Tags to add"),
        required=False,
        max_length=600,
        help_text=gettext_lazy(
            "Separated by commas. Tags appear in lists and URLs. Do not use personal data."
        ),
    )
    remove = forms.CharField(label=gettext_lazy("Tags to remove"), required=False, max_length=600)

    def clean_add(self) -> list[str]:
        return _words(self.cleaned_data["add"])

    def clean_remove(self) -> list[str]:
        return _words(self.cleaned_data["remove"])

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.errors and not (said.get("add") or said.get("remove")):
            self.add_error("add", _("Enter a tag to add or a tag to remove."))
        return said


class BulkCloseForm(NoteForm):
    lesser = forms.BooleanField(
        label=gettext_lazy("Also close cases that were fulfilled partly or not at all"),
        required=False,
        help_text=gettext_lazy(
            "Each case is closed with the outcome that its responses support. If this is not selected, "
            "only cases where everything was done or no data was held are closed."
        ),
    )
    field_order = ("lesser", "text")


def as_json(said: dict[str, Any]) -> dict[str, Any]:
    """What a form said, as it is kept with the run: rows by their keys."""
    return {name: value.pk if isinstance(value, Model) else value for name, value in said.items()}


def _words(typed: str) -> list[str]:
    return [name.strip() for name in typed.split(",") if name.strip()]
