"""Forms asked before a case is assigned, deferred or tagged."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.admin.verbs.forms import ConfirmForm
from cases.models import Case
from dsrportal.models import User


class HandForm(ConfirmForm):
    assignee = forms.ModelChoiceField(
        label=_("Who works it"),
        queryset=User.objects.filter(is_active=True, is_staff=True).order_by("username"),
        required=False,
        empty_label=_("Nobody in particular"),
    )
    # Whom the page showed: whoever was chosen since is not overwritten unseen.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


def as_handed(case: Case, _part: Any) -> dict[str, Any]:
    return {"assignee": case.assignee_id, "seen": case.assignee_id}


class DeferForm(ConfirmForm):
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: it is not deferred. The legal clock runs on in either case."),
        error_messages={"invalid": _("Give a date, such as 2026-05-04.")},
    )


def as_deferred(case: Case, _part: Any) -> dict[str, Any]:
    return {"until": case.follow_up_on}


class TagsForm(ConfirmForm):
    names = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=600,
        help_text=_("Separated by commas. They stand in lists and addresses: nothing personal."),
    )

    def clean_names(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["names"].split(",") if name.strip()]


def as_tagged(case: Case, _part: Any) -> dict[str, Any]:
    return {"names": ", ".join(tag.name for tag in case.tags.all())}
