"""Verbs that assign, defer and tag a case, with what each asks."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verb import ConfirmForm
from cases.admin.verbs.verb import CaseVerb
from cases.lifecycle import CaseStatus
from cases.models import Case, ProcessorRequest
from cases.services.worklist import assigning
from dsrportal.models import User


class HandForm(ConfirmForm):
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Assign to"),
        queryset=User.objects.filter(is_active=True, is_staff=True).order_by("username"),
        required=False,
        empty_label=gettext_lazy("No one"),
    )
    # Whom the page showed: whoever was chosen since is not overwritten unseen.
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


def _as_handed(case: Case) -> dict[str, Any]:
    return {"assignee": case.assignee_id, "seen": case.assignee_id}


class DeferForm(ConfirmForm):
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy(
            "Leave empty if the case should not be deferred. The legal deadline keeps running in any case."
        ),
        error_messages={"invalid": gettext_lazy("Enter a date, such as 2026-05-04.")},
    )


def _as_deferred(case: Case) -> dict[str, Any]:
    return {"until": case.follow_up_on}


class TagsForm(ConfirmForm):
    names = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        max_length=600,
        help_text=gettext_lazy(
            "Separated by commas. Tags appear in lists and URLs. Do not use personal data."
        ),
    )

    def clean_names(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["names"].split(",") if name.strip()]


def _as_tagged(case: Case) -> dict[str, Any]:
    return {"names": ", ".join(tag.name for tag in case.tags.all())}


def _open(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return case.status != CaseStatus.CLOSED


def _handed(_before: Case, case: Case) -> str:
    if case.assignee is None:
        return _("The case is now unassigned.")
    return _("Assigned to %(name)s.") % {"name": case.assignee.get_username()}


def _deferred(_before: Case, case: Case) -> str:
    if case.follow_up_on is None:
        return _("The case is no longer deferred.")
    return _("Deferred until %(day)s.") % {"day": date_format(case.follow_up_on, "DATE_FORMAT")}


WORK_VERBS: Final[tuple[CaseVerb[Case], ...]] = (
    CaseVerb(
        "hand",
        gettext_lazy("Assign"),
        "person",
        "cases.assign_case",
        due=_open,
        lead=gettext_lazy("Choose who is responsible for this case. Its status and deadline do not change."),
        form=HandForm,
        initial=_as_handed,
        call=lambda case, actor, said: assigning.assign(
            case, actor=actor, assignee=said["assignee"], seen=said["seen"]
        ),
        told=_handed,
    ),
    CaseVerb(
        "defer",
        gettext_lazy("Defer"),
        "clock",
        "cases.assign_case",
        due=_open,
        lead=gettext_lazy("The case is deferred until that day. After that it appears under “Follow-up”."),
        form=DeferForm,
        initial=_as_deferred,
        call=lambda case, actor, said: assigning.defer(case, actor=actor, until=said["until"]),
        told=_deferred,
    ),
    CaseVerb(
        "tags",
        gettext_lazy("Change tags"),
        "tag",
        "cases.assign_case",
        due=_open,
        lead=gettext_lazy("Search terms for this case, chosen by your team."),
        form=TagsForm,
        initial=_as_tagged,
        call=lambda case, actor, said: assigning.tag(case, actor=actor, names=said["names"]),
        told=lambda _case, _result: _("Tags changed."),
    ),
)
