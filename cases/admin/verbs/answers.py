"""Answers to verbs for which a message is not enough: identities shown once."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from cases.admin.sections import person
from cases.models import Case, Correction, ProfileSearch


def revealed(
    request: HttpRequest, context: dict[str, Any], case: Case, identities: list[tuple[str, str]]
) -> HttpResponseBase:
    """The identities as typed, on this one page; the admin's pages are kept in no cache.

    With them what they shall be corrected to, and how processors call the person.
    """
    corrected = [
        (
            _("%(kind)s, new value") % {"kind": row.identity.get_type_display()},
            person.clear(row, "new_value"),
        )
        for row in Correction.objects.filter(identity__subject=case.subject_id)
        .select_related("identity__subject__data_key")
        .order_by("identity__position")
    ]
    profiles = {
        (search.processor.name, person.clear(search, "profile_id")): None
        for search in ProfileSearch.objects.filter(case=case).select_related("processor", "case__data_key")
    }
    found = [(_("Profile at %(name)s") % {"name": name}, value) for name, value in profiles if value]
    shown = {
        **context,
        "title": _("Identifiers"),
        "identities": [*identities, *corrected, *found],
    }
    return TemplateResponse(request, "portal/verbs/revealed.html", shown)
