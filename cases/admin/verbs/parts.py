"""Verbs of a part of a case, offered beside that part, with what each asks."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verb import ConfirmForm
from cases.admin.verbs import previews
from cases.admin.verbs.forms import NoteForm
from cases.admin.verbs.packages import PACKAGE_VERBS
from cases.admin.verbs.verb import CaseVerb
from cases.models import AttentionItem, ForwardingExtension, ManualTask, ProcessorRequest
from cases.services.planning import resending, tasks
from cases.services.planning.tasks import ATTESTABLE
from cases.services.processors import accounts
from dsrportal.models import User

# What each answer means of work done by hand.
ANSWERS: Final = {
    "done": gettext_lazy("Done: the request was carried out"),
    "no_data_held": gettext_lazy("No data held: the system was searched and has no data on this person"),
    "not_applicable": gettext_lazy("Not applicable: the request does not concern this system"),
    "refused": gettext_lazy("Refused: the operator of the system does not carry out the request"),
}


class AssignForm(ConfirmForm):
    assignee = forms.ModelChoiceField(
        label=gettext_lazy("Assign to"),
        queryset=User.objects.filter(is_active=True, is_staff=True).order_by("username"),
        required=False,
        empty_label=gettext_lazy("No one"),
    )
    due_on = forms.DateField(
        label=gettext_lazy("Due on"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("Enter a due date."),
            "invalid": gettext_lazy("Enter a date, such as 2026-05-04."),
        },
    )


def _as_assigned(task: ManualTask) -> dict[str, Any]:
    return {"assignee": task.assignee_id, "due_on": task.due_on}


class AttestForm(NoteForm):
    answer = forms.ChoiceField(
        label=gettext_lazy("Result"),
        choices=[(answer.value, ANSWERS.get(answer.value, answer.label)) for answer in ATTESTABLE],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a result.")},
    )
    upload = forms.FileField(
        label=gettext_lazy("File"), required=False, allow_empty_file=True, widget=forms.FileInput
    )
    field_order = ("answer", "text", "upload")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        text = self.fields["text"]
        text.required = True
        text.help_text = _("What was done, when, and how you know. Stored encrypted with the case.")
        text.error_messages["required"] = _("Describe in a note what was done and how you know.")
        self.fields["upload"].help_text = _(
            "What the system returned, or proof that the work was done. At most %(limit)s. Stored encrypted."
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


PART_VERBS: Final[tuple[CaseVerb[Any], ...]] = (
    CaseVerb(
        "resolve",
        gettext_lazy("Resolve"),
        "check",
        "cases.resolve_attentionitem",
        lead=gettext_lazy(
            "Marks this item as decided. The case then continues with the status of its requests."
        ),
        form=ConfirmForm,
        template="portal/verbs/resolve.html",
        on=AttentionItem,
        call=lambda item, actor, _said: accounts.resolve_item(item, actor=actor),
        told=lambda _item, _nothing: _("Resolved."),
    ),
    CaseVerb(
        "again",
        gettext_lazy("Send again"),
        "case-working",
        "cases.refresh_case",
        lead=gettext_lazy(
            "Sends the approved request to the same processor again, with the same identifiers. The new "
            "request replaces the old one."
        ),
        page=previews.again,
        template="portal/verbs/requests.html",
        on=ProcessorRequest,
        call=lambda request, actor, said: resending.resend(request, actor=actor, text=said["text"]),
        told=lambda _old, request: (
            _("The request is being sent to %(name)s again.") % {"name": request.processor.name}
        ),
    ),
    CaseVerb(
        "assign",
        gettext_lazy("Assign task"),
        "person",
        "cases.assign_manualtask",
        lead=gettext_lazy("Choose who does the task and when it is due."),
        form=AssignForm,
        initial=_as_assigned,
        page=previews.task,
        template="portal/verbs/task.html",
        button=gettext_lazy("Assign"),
        on=ManualTask,
        call=lambda task, actor, said: tasks.assign(
            task, actor=actor, assignee=said["assignee"], due_on=said["due_on"]
        ),
        told=lambda _before, task: (
            _("Task assigned to %(name)s.") % {"name": task.assignee.get_username()}
            if task.assignee
            else _("The task is now unassigned.")
        ),
    ),
    CaseVerb(
        "attest",
        gettext_lazy("Attest task"),
        "check",
        "cases.attest_manualtask",
        lead=gettext_lazy(
            "Record the result. Your name, the time and your note serve as evidence. The result counts "
            "like the response of any other processor."
        ),
        form=AttestForm,
        page=previews.task,
        template="portal/verbs/task.html",
        button=gettext_lazy("Attest"),
        on=ManualTask,
        call=lambda task, actor, said: tasks.attest(
            task, actor=actor, answer=said["answer"], text=said["text"], upload=said["upload"]
        ),
        told=lambda _before, _task: _("Attested. This counts as the response of this system."),
    ),
    CaseVerb(
        "by-hand",
        gettext_lazy("Create task"),
        "task",
        "cases.assign_manualtask",
        lead=gettext_lazy(
            "Someone makes sure manually that this partner does what was requested. The task counts in "
            "place of the partner’s missing result."
        ),
        form=ConfirmForm,
        template="portal/verbs/partner.html",
        on=ForwardingExtension,
        call=lambda partner, actor, _said: tasks.make_for_partner(partner, actor=actor),
        told=lambda _partner, task: (
            _("Task for %(name)s created, due %(day)s.")
            % {"name": task.processor_request.processor.name, "day": date_format(task.due_on, "DATE_FORMAT")}
        ),
    ),
    *PACKAGE_VERBS,
)
