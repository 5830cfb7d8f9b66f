"""The form that takes a file of cases in, and what it says about its columns."""

from dataclasses import dataclass
from typing import Final

from django import forms
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.verb import ConfirmForm
from cases.models import CaseImport
from cases.services.imports import columns as import_columns
from integrations.types import IdentityType, Regulation, RequestType

_SOURCE: Final = CaseImport._meta.get_field("source")


class UploadForm(ConfirmForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,  # the service says so in its own words
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
        error_messages={"required": gettext_lazy("Choose a file to import.")},
    )
    source = forms.CharField(
        label=gettext_lazy("Source system"),
        required=False,
        max_length=_SOURCE.max_length,
        validators=_SOURCE.validators,
        help_text=gettext_lazy(
            "Which system the references in the file come from. Only needed if two systems may use the "
            "same reference."
        ),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )


@dataclass(frozen=True, slots=True)
class Column:
    """One line of the table of columns."""

    name: str
    says: str | Promise
    example: str = ""
    required: bool = False


def column_groups() -> list[Column]:
    """What each column holds, in the order of the template."""
    zones = {"gdpr": settings.GDPR_TIME_ZONE, "ccpa": settings.CCPA_TIME_ZONE}
    kinds = ", ".join(IdentityType.values)
    words, laws = ", ".join(RequestType.values), ", ".join(Regulation.values)
    return [
        Column(
            "reference",
            _(
                "ID of the request in the source system. A reference is never imported twice. Only a "
                "keyed hash of it is stored."
            ),
            "T-20417",
        ),
        Column("type", _("Request type: %(words)s.") % {"words": words}, "erasure", required=True),
        Column("regulation", _("Regulation: %(words)s.") % {"words": laws}, "gdpr", required=True),
        Column(
            "received_at",
            _(
                "When the request was received, as an ISO date or time. Without an offset, local time "
                "under the regulation applies (GDPR: %(gdpr)s, CCPA: %(ccpa)s). A date without a time "
                "means the start of that day."
            )
            % zones,
            "2026-05-04T09:30+02:00",
            required=True,
        ),
        Column(
            "email …",
            _(
                "Identifiers of the data subject, one column per type: %(kinds)s. At least one per row. "
                "Number further columns of the same type: email_2, email_3, up to %(most)d."
            )
            % {"kinds": kinds, "most": import_columns.MOST_OF_A_TYPE},
            "ada@example.org",
            required=True,
        ),
        Column(
            "correct_email …",
            _("Corrections only: the new value for “email”. Use correct_email_2 for “email_2”."),
            "ada@example.net",
        ),
        Column(
            "purposes",
            _("Opt-outs under the GDPR only: the purposes for which consent is withdrawn, separated by |"),
            "marketing|profiling",
        ),
        Column("skip_waiting_period", _("Erasures only: yes or no."), "no"),
        Column("group", _("An internal group, as on the form for opening a case."), "spring-2026"),
        Column(
            "line, problem",
            _("Ignored. Our own files of failed rows contain them and can be uploaded again unchanged."),
        ),
    ]
