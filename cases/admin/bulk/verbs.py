"""Verbs for many cases at once: one row each, made from the verb for one case.

The rules, and the one service call for each case, are in `services.bulk_rules`.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from cases.admin.bulk import forms
from cases.admin.verb import ConfirmForm, Text
from cases.admin.verbs.forms import NoteForm
from cases.admin.verbs.table import BY_NAME
from cases.admin.verbs.verb import CaseVerb
from cases.models import BulkVerb


@dataclass(frozen=True, slots=True)
class ForMany:
    """`single` is the verb for one case: its label, icon, permission, and its form where that asks for no one case."""

    name: str
    single: CaseVerb[Any]
    lead: Text
    form: type[ConfirmForm]

    @property
    def label(self) -> Text:
        return self.single.label

    @property
    def icon(self) -> str:
        return self.single.icon

    @property
    def permission(self) -> str:
        return self.single.permission


def _row(name: BulkVerb, single: str, lead: Text, form: type[ConfirmForm] | None = None) -> ForMany:
    verb = BY_NAME[single]
    return ForMany(str(name), verb, lead, form or verb.form)


BULK_VERBS: Final = (
    _row(
        BulkVerb.VERIFY,
        "verify",
        gettext_lazy("Choose how these requesters were verified. The method is recorded for each of them."),
        forms.BulkVerifyForm,
    ),
    _row(
        BulkVerb.ASSIGN,
        "hand",
        gettext_lazy("Choose who is responsible for these cases. Their status and deadlines do not change."),
        forms.BulkAssignForm,
    ),
    _row(
        BulkVerb.TAG,
        "tags",
        gettext_lazy("Add or remove search terms for these cases. Their other tags stay."),
        forms.BulkTagForm,
    ),
    _row(
        BulkVerb.APPROVE,
        "approve",
        gettext_lazy(
            "You approve each plan as it is now. If a plan changes before its case is processed, that "
            "case is refused. Erasures and corrections then wait for a while and can still be undone."
        ),
        NoteForm,
    ),
    _row(
        BulkVerb.DENY,
        "deny",
        gettext_lazy("Closes these cases without sending anything. Each requester must be told why."),
    ),
    _row(
        BulkVerb.CANCEL,
        "cancel",
        gettext_lazy(
            "Requests that were not sent are cancelled at once. All others are cancelled when the "
            "processor confirms it, unless it refuses. Partners that were already notified are not "
            "recalled."
        ),
    ),
    _row(
        BulkVerb.CLOSE,
        "close",
        gettext_lazy("Closes each case with the outcome that its responses support."),
        forms.BulkCloseForm,
    ),
)
BULK_BY_NAME: Final = {verb.name: verb for verb in BULK_VERBS}


def allowed(request: HttpRequest) -> list[ForMany]:
    """What this person may do to many cases; nothing for whoever sees none."""
    user: Any = request.user
    if not user.has_perms(["cases.view_case", "cases.view_bulkrun"]):
        return []
    return [verb for verb in BULK_VERBS if user.has_perm(verb.permission)]
