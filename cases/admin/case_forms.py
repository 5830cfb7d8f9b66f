"""The form that opens a case: what was asked, and the identities of who asked."""

from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case
from integrations.types import Identity, IdentityType, Regulation, RequestType

# Without JavaScript so many rows are there to fill in; with it, rows appear as they are needed.
ROWS: Final = 5
MOST_ROWS: Final = 200
# The year the GDPR began to apply: an earlier year is a slip.
FIRST_YEAR: Final = 2018

_GROUP: Final = Case._meta.get_field("group_name")
LOCAL_FORMAT: Final = "%Y-%m-%dT%H:%M"


class OpenCaseForm(forms.Form):
    received_at = forms.DateTimeField(
        label=gettext_lazy("Received at"),
        input_formats=[LOCAL_FORMAT, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_FORMAT),
        error_messages={
            "required": gettext_lazy("Say when the person asked: the legal clock starts then."),
            "invalid": gettext_lazy("Give a date and a time, such as 2026-05-04 09:30."),
        },
    )
    regulation = forms.ChoiceField(label=gettext_lazy("Regulation"), choices=Regulation.choices)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=RequestType.choices)
    skip_waiting_period = forms.BooleanField(
        label=gettext_lazy("Skip the waiting period"),
        required=False,
        help_text=gettext_lazy(
            "Leaves less than 24 hours in which the erasure can be cancelled, instead of 7 days. "
            "It completes in 1 to 14 days instead of 7 to 21."
        ),
    )

    group_name = forms.CharField(
        label=gettext_lazy("Group"),
        required=False,
        max_length=_GROUP.max_length,
        validators=_GROUP.validators,
        help_text=_GROUP.help_text,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_received_at(self) -> datetime:
        received_at: datetime = self.cleaned_data["received_at"]
        if timezone.localtime(received_at).year < FIRST_YEAR:
            raise forms.ValidationError(_("Check the year: no request under these laws is that old."))
        return received_at

    def refuse(self, sentences: tuple[str, ...]) -> None:
        """Show what the services said no to above the fields."""
        for sentence in sentences:
            self.add_error(None, sentence)


class IdentityForm(forms.Form):
    """One identity. A row without a value is no identity, whatever its type says."""

    use_required_attribute = False

    type = forms.ChoiceField(
        label=gettext_lazy("Kind of identity"),
        choices=[("", "–"), *IdentityType.choices],
        required=False,
    )
    # Not stripped: the value is kept and sent exactly as typed.
    value = forms.CharField(
        label=gettext_lazy("Value"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("value", "").strip() and not cleaned.get("type") and "type" not in self.errors:
            self.add_error("type", _("Choose what kind of identity this is."))
        return cleaned

    @property
    def identity(self) -> Identity | None:
        value = self.cleaned_data.get("value", "")
        return Identity(self.cleaned_data["type"], value) if value.strip() else None


class _IdentityFormSet(forms.BaseFormSet):
    @property
    def identities(self) -> list[Identity]:
        return [identity for form in self.forms if (identity := form.identity)]


# The first row is set to what most people give.
FIRST_ROW: Final = [{"type": IdentityType.EMAIL}]

IdentityFormSet: Final[Any] = forms.formset_factory(
    IdentityForm,
    formset=_IdentityFormSet,
    extra=ROWS - len(FIRST_ROW),
    max_num=MOST_ROWS,
    absolute_max=MOST_ROWS,
)
