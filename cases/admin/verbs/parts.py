"""Verbs of a part of a case, offered beside that part."""

from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verbs import previews, task_forms
from cases.admin.verbs.forms import ConfirmForm
from cases.admin.verbs.packages import PACKAGE_VERBS
from cases.admin.verbs.verb import Verb, on_a_part
from cases.models import AttentionItem, ForwardingExtension, ManualTask, ProcessorRequest
from cases.services.planning import resending, tasks
from cases.services.processors import accounts

PART_VERBS: Final = (
    Verb(
        "resolve",
        gettext_lazy("Settle"),
        "check",
        "cases.resolve_attentionitem",
        due=on_a_part,
        lead=gettext_lazy("Say that this is decided. The case then moves on to wherever its requests stand."),
        form=ConfirmForm,
        template="portal/verbs/resolve.html",
        on=AttentionItem,
        call=lambda _case, actor, said: accounts.resolve_item(said["part"], actor=actor),
        told=lambda _nothing: _("Settled."),
    ),
    Verb(
        "again",
        gettext_lazy("Send again"),
        "case-working",
        "cases.refresh_case",
        due=on_a_part,
        lead=gettext_lazy(
            "Sends what was approved once more: to the same processor, with the same identities, as a new request. It "
            "takes the place of the old one."
        ),
        page=previews.again,
        template="portal/verbs/requests.html",
        on=ProcessorRequest,
        call=lambda _case, actor, said: resending.resend(said["part"], actor=actor, text=said["text"]),
        told=lambda request: _("It is sent to %(name)s again.") % {"name": request.processor.name},
    ),
    Verb(
        "assign",
        gettext_lazy("Assign the task"),
        "person",
        "cases.assign_manualtask",
        due=on_a_part,
        lead=gettext_lazy("Say who does it, and until when."),
        form=task_forms.AssignForm,
        initial=task_forms.as_assigned,
        page=previews.task,
        template="portal/verbs/task.html",
        button=gettext_lazy("Assign"),
        on=ManualTask,
        call=lambda _case, actor, said: tasks.assign(
            said["part"], actor=actor, assignee=said["assignee"], due_on=said["due_on"]
        ),
        told=lambda task: (
            _("The task is %(name)s’s now.") % {"name": task.assignee.get_username()}
            if task.assignee
            else _("The task is nobody’s in particular now.")
        ),
    ),
    Verb(
        "attest",
        gettext_lazy("Attest the task"),
        "check",
        "cases.attest_manualtask",
        due=on_a_part,
        lead=gettext_lazy(
            "Say what came of it. Your name, the moment and your note are the proof; it counts like the answer of any "
            "other processor."
        ),
        form=task_forms.AttestForm,
        page=previews.task,
        template="portal/verbs/task.html",
        button=gettext_lazy("Attest"),
        on=ManualTask,
        call=lambda _case, actor, said: tasks.attest(
            said["part"], actor=actor, answer=said["answer"], text=said["text"], upload=said["upload"]
        ),
        told=lambda _task: _("Attested; it counts as this system’s answer."),
    ),
    Verb(
        "by-hand",
        gettext_lazy("Make a task"),
        "task",
        "cases.assign_manualtask",
        due=on_a_part,
        lead=gettext_lazy(
            "Somebody sees to it by hand that this partner does what was asked. The task counts instead of what the "
            "partner did not do."
        ),
        form=ConfirmForm,
        template="portal/verbs/partner.html",
        on=ForwardingExtension,
        call=lambda _case, actor, said: tasks.make_for_partner(said["part"], actor=actor),
        told=lambda task: (
            _("Made a task for %(name)s, due %(day)s.")
            % {"name": task.processor_request.processor.name, "day": date_format(task.due_on, "d M Y")}
        ),
    ),
    *PACKAGE_VERBS,
)
