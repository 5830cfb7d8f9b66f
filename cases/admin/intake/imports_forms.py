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
        error_messages={"required": gettext_lazy("Choose the file to import.")},
    )
    source = forms.CharField(
        label=gettext_lazy("Source system"),
        required=False,
        max_length=_SOURCE.max_length,
        validators=_SOURCE.validators,
        help_text=gettext_lazy(
            "Where the references in the file come from, if two systems may use the same ones."
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
                "The source system’s own id of the request. The same reference is never imported twice. Only a keyed "
                "hash of it is kept."
            ),
            "T-20417",
        ),
        Column("type", _("What is asked for: %(words)s.") % {"words": words}, "erasure", required=True),
        Column("regulation", _("Under which law: %(words)s.") % {"words": laws}, "gdpr", required=True),
        Column(
            "received_at",
            _(
                "When the person asked, as an ISO date or time. Without an offset it is local time where the law is "
                "counted (GDPR: %(gdpr)s, CCPA: %(ccpa)s); a date alone is the beginning of that day."
            )
            % zones,
            "2026-05-04T09:30+02:00",
            required=True,
        ),
        Column(
            "email …",
            _(
                "The person’s identities, one column for each kind: %(kinds)s. At least one a row. More of one kind "
                "have a number: email_2, email_3, up to %(most)d."
            )
            % {"kinds": kinds, "most": import_columns.MOST_OF_A_TYPE},
            "ada@example.org",
            required=True,
        ),
        Column(
            "correct_email …",
            _("Corrections only: what the identity in “email” shall be; correct_email_2 for “email_2”."),
            "ada@example.net",
        ),
        Column(
            "purposes",
            _("Opt-outs under the GDPR only: for which purposes consent is taken back, with | between them."),
            "marketing|profiling",
        ),
        Column("skip_waiting_period", _("Erasures only: yes or no."), "no"),
        Column("group", _("A group of your own, as on the form that opens a case."), "spring-2026"),
        Column(
            "line, problem",
            _("Not read: our own files of failed rows have them, and can be uploaded again as they are."),
        ),
    ]
