"""The form that opens a case: what was asked, and the identities of who asked."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.sections import purposes
from cases.admin.verb import ConfirmForm
from cases.models import Case
from cases.services.intake import rules
from integrations.types import Correction, Identity, IdentityType, Regulation, RequestType

# Without JavaScript so many rows are there to fill in; with it, rows appear as they are needed.
ROWS: Final = 5
MOST_ROWS: Final = 200

_GROUP: Final = Case._meta.get_field("group_name")
LOCAL_FORMAT: Final = "%Y-%m-%dT%H:%M"


class OpenCaseForm(ConfirmForm):
    received_at = forms.DateTimeField(
        label=gettext_lazy("Received on"),
        input_formats=[LOCAL_FORMAT, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_FORMAT),
        error_messages={
            "required": gettext_lazy(
                "Enter when the request was received. The legal deadline is counted from then."
            ),
            "invalid": gettext_lazy("Enter a date and a time, such as 2026-05-04 09:30."),
        },
    )
    regulation = forms.ChoiceField(label=gettext_lazy("Regulation"), choices=Regulation.choices)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=RequestType.choices)
    skip_waiting_period = forms.BooleanField(
        label=gettext_lazy("Skip the waiting period"),
        required=False,
        help_text=gettext_lazy(
            "The erasure can then be cancelled for less than 24 hours instead of 7 days, and completes "
            "in 1 to 14 days instead of 7 to 21."
        ),
    )

    chosen_purposes = forms.MultipleChoiceField(
        label=gettext_lazy("Purposes"), required=False, widget=forms.CheckboxSelectMultiple
    )
    other_purposes = forms.CharField(
        label=gettext_lazy("Other purposes"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy("One per line, using the names that your processors use."),
    )
    group_name = forms.CharField(
        label=gettext_lazy("Group"),
        required=False,
        max_length=_GROUP.max_length,
        validators=_GROUP.validators,
        help_text=_GROUP.help_text,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["chosen_purposes"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        chosen.choices = [(name, name) for name in purposes.known()]
        if not chosen.choices:
            self.fields["other_purposes"].label = _("Purposes")

    @property
    def purposes(self) -> list[str]:
        """What consent is taken back for; nothing where the type or the law knows no purposes."""
        said = self.cleaned_data
        if (said["type"], said["regulation"]) != (RequestType.OPT_OUT, Regulation.GDPR):
            return []
        return list(dict.fromkeys([*said["chosen_purposes"], *purposes.lines(said["other_purposes"])]))

    def clean_received_at(self) -> datetime:
        received_at: datetime = self.cleaned_data["received_at"]
        for fault in rules.of_receipt(received_at):
            raise forms.ValidationError(str(fault.beside))
        return received_at


def _typed() -> forms.TextInput:
    """A line whose content no browser keeps, completes or mends."""
    return forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})


class IdentityForm(forms.Form):
    """One identity. A row without a value is no identity, whatever its type says."""

    use_required_attribute = False

    type = forms.ChoiceField(
        label=gettext_lazy("Identifier type"),
        choices=[("", "–"), *IdentityType.choices],
        required=False,
    )
    # Not stripped: the value is kept and sent exactly as typed.
    value = forms.CharField(
        label=gettext_lazy("Value"),
        required=False,
        strip=False,
        max_length=1000,
        widget=_typed(),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("value", "").strip() and not cleaned.get("type") and "type" not in self.errors:
            self.add_error("type", _("Choose the identifier type."))
        return cleaned

    @property
    def identity(self) -> Identity | None:
        value = self.cleaned_data.get("value", "")
        return Identity(self.cleaned_data["type"], value) if value.strip() else None


class CorrectedIdentityForm(IdentityForm):
    """One identity of whoever opens a case, and what it shall be where it is wrong."""

    correct_to = forms.CharField(
        label=gettext_lazy("New value"), required=False, strip=False, max_length=1000, widget=_typed()
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("correct_to", "").strip() and not cleaned.get("value", "").strip():
            self.add_error("value", _("Enter the incorrect value as it is stored now."))
        return cleaned

    @property
    def correction(self) -> Correction | None:
        identity, new_value = self.identity, self.cleaned_data.get("correct_to", "")
        if identity is None or not new_value.strip():
            return None
        return Correction(identity.type, identity.value, new_value)


class _IdentityFormSet(forms.BaseFormSet):
    @property
    def identities(self) -> list[Identity]:
        return [identity for form in self.forms if (identity := form.identity)]

    @property
    def corrections(self) -> list[Correction]:
        return [correction for form in self.forms if (correction := form.correction)]

    def mark(self, fault: rules.Fault) -> bool:
        """Say it beside the row that it is about; False where there is no such row."""
        if fault.index is None:
            return False
        corrected = fault.field == "corrections"
        rows = [form for form in self.forms if (form.correction if corrected else form.identity)]
        rows[fault.index].add_error("correct_to" if corrected else "value", str(fault.beside))
        return True


# The first row is set to what most people give.
FIRST_ROW: Final = [{"type": IdentityType.EMAIL}]


def _rows_of(form: type[IdentityForm], *, blank: int) -> Any:
    return forms.formset_factory(
        form, formset=_IdentityFormSet, extra=blank, max_num=MOST_ROWS, absolute_max=MOST_ROWS
    )


IdentityFormSet: Final = _rows_of(CorrectedIdentityForm, blank=ROWS - len(FIRST_ROW))
# To add to those that a case has.
MoreIdentitiesFormSet: Final = _rows_of(IdentityForm, blank=ROWS)
