"""Forms asked before a task is assigned or attested."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verbs.forms import ConfirmForm, NoteForm
from cases.models import Case, ManualTask
from cases.services.planning.tasks import ATTESTABLE
from dsrportal.models import User

# What each answer means of work done by hand.
ANSWERS: Final = {
    "done": gettext_lazy("Done: what was asked is carried out"),
    "no_data_held": gettext_lazy("No data held: the system was searched and does not know the person"),
    "not_applicable": gettext_lazy("Not applicable: the system has nothing to do with this request"),
    "refused": gettext_lazy("Refused: whoever runs the system will not do it"),
}


class AssignForm(ConfirmForm):
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Who does it"),
        queryset=User.objects.filter(is_active=True, is_staff=True).order_by("username"),
        required=False,
        empty_label=gettext_lazy("Nobody in particular"),
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("Say until when it is to be done."),
            "invalid": gettext_lazy("Give a date, such as 2026-05-04."),
        },
    )


def as_assigned(_case: Case, task: ManualTask) -> dict[str, Any]:
    return {"assignee": task.assignee_id, "due_on": task.due_on}


class AttestForm(NoteForm):
    answer = forms.ChoiceField(
        label=gettext_lazy("What came of it"),
        choices=[(answer.value, ANSWERS.get(answer.value, answer.label)) for answer in ATTESTABLE],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say what came of it.")},
    )
    upload = forms.FileField(
        label=gettext_lazy("File"), required=False, allow_empty_file=True, widget=forms.FileInput
    )
    field_order = ("answer", "text", "upload")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        text = self.fields["text"]
        text.required = True
        text.help_text = _("What was done, when, and how you know. Kept encrypted with the case.")
        text.error_messages["required"] = _("Say in a note what was done, and how you know.")
        self.fields["upload"].help_text = _(
            "What the system gave out, or what proves that it was done; at most %(limit)s. Kept encrypted."
        ) % {"limit": filesizeformat(settings.UPLOAD_LIMIT_BYTES)}

    def clean_upload(self) -> UploadedFile | None:
        upload: UploadedFile | None = self.cleaned_data["upload"]
        if upload is None:
            return None
        if not upload.size:
            raise forms.ValidationError(_("The file is empty."))
        if upload.size > settings.UPLOAD_LIMIT_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(limit)s."),
                params={"limit": filesizeformat(settings.UPLOAD_LIMIT_BYTES)},
            )
        return upload
