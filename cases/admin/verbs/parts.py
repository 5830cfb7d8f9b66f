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


def _as_assigned(task: ManualTask) -> dict[str, Any]:
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


PART_VERBS: Final[tuple[CaseVerb[Any], ...]] = (
    CaseVerb(
        "resolve",
        gettext_lazy("Settle"),
        "check",
        "cases.resolve_attentionitem",
        lead=gettext_lazy("Say that this is decided. The case then moves on to wherever its requests stand."),
        form=ConfirmForm,
        template="portal/verbs/resolve.html",
        on=AttentionItem,
        call=lambda item, actor, _said: accounts.resolve_item(item, actor=actor),
        told=lambda _item, _nothing: _("Settled."),
    ),
    CaseVerb(
        "again",
        gettext_lazy("Send again"),
        "case-working",
        "cases.refresh_case",
        lead=gettext_lazy(
            "Sends what was approved once more: to the same processor, with the same identities, as a new request. It "
            "takes the place of the old one."
        ),
        page=previews.again,
        template="portal/verbs/requests.html",
        on=ProcessorRequest,
        call=lambda request, actor, said: resending.resend(request, actor=actor, text=said["text"]),
        told=lambda _old, request: _("It is sent to %(name)s again.") % {"name": request.processor.name},
    ),
    CaseVerb(
        "assign",
        gettext_lazy("Assign the task"),
        "person",
        "cases.assign_manualtask",
        lead=gettext_lazy("Say who does it, and until when."),
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
            _("The task is %(name)s’s now.") % {"name": task.assignee.get_username()}
            if task.assignee
            else _("The task is nobody’s in particular now.")
        ),
    ),
    CaseVerb(
        "attest",
        gettext_lazy("Attest the task"),
        "check",
        "cases.attest_manualtask",
        lead=gettext_lazy(
            "Say what came of it. Your name, the moment and your note are the proof; it counts like the answer of any "
            "other processor."
        ),
        form=AttestForm,
        page=previews.task,
        template="portal/verbs/task.html",
        button=gettext_lazy("Attest"),
        on=ManualTask,
        call=lambda task, actor, said: tasks.attest(
            task, actor=actor, answer=said["answer"], text=said["text"], upload=said["upload"]
        ),
        told=lambda _before, _task: _("Attested; it counts as this system’s answer."),
    ),
    CaseVerb(
        "by-hand",
        gettext_lazy("Make a task"),
        "task",
        "cases.assign_manualtask",
        lead=gettext_lazy(
            "Somebody sees to it by hand that this partner does what was asked. The task counts instead of what the "
            "partner did not do."
        ),
        form=ConfirmForm,
        template="portal/verbs/partner.html",
        on=ForwardingExtension,
        call=lambda partner, actor, _said: tasks.make_for_partner(partner, actor=actor),
        told=lambda _partner, task: (
            _("Made a task for %(name)s, due %(day)s.")
            % {"name": task.processor_request.processor.name, "day": date_format(task.due_on, "DATE_FORMAT")}
        ),
    ),
    *PACKAGE_VERBS,
)
