"""Verbs that assign, defer and tag a case."""

from collections.abc import Sequence
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verbs import assigning_forms
from cases.admin.verbs.verb import Verb
from cases.lifecycle import CaseStatus
from cases.models import Case, ProcessorRequest
from cases.services.worklist import assigning


def _open(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return case.status != CaseStatus.CLOSED


def _handed(case: Case) -> str:
    if case.assignee is None:
        return _("The case is nobody’s in particular now.")
    return _("The case is %(name)s’s now.") % {"name": case.assignee.get_username()}


def _deferred(case: Case) -> str:
    if case.follow_up_on is None:
        return _("The case is not deferred.")
    return _("Deferred until %(day)s.") % {"day": date_format(case.follow_up_on, "d M Y")}


WORK_VERBS: Final = (
    Verb(
        "hand",
        gettext_lazy("Assign"),
        "person",
        "cases.assign_case",
        due=_open,
        lead=gettext_lazy("Say who works this case. It changes neither its status nor its clock."),
        form=assigning_forms.HandForm,
        initial=assigning_forms.as_handed,
        call=lambda case, actor, said: assigning.assign(
            case, actor=actor, assignee=said["assignee"], seen=said["seen"]
        ),
        told=_handed,
    ),
    Verb(
        "defer",
        gettext_lazy("Defer"),
        "clock",
        "cases.assign_case",
        due=_open,
        lead=gettext_lazy("Until that day the case waits; from then on it stands among those to follow up."),
        form=assigning_forms.DeferForm,
        initial=assigning_forms.as_deferred,
        call=lambda case, actor, said: assigning.defer(case, actor=actor, until=said["until"]),
        told=_deferred,
    ),
    Verb(
        "tags",
        gettext_lazy("Change tags"),
        "tag",
        "cases.assign_case",
        due=_open,
        lead=gettext_lazy("Words to find the case by, of your team’s own choosing."),
        form=assigning_forms.TagsForm,
        initial=assigning_forms.as_tagged,
        call=lambda case, actor, said: assigning.tag(case, actor=actor, names=said["names"]),
        told=lambda _case: _("Changed the tags."),
    ),
)
