"""Pages that list who saw a person's data: from a case, or from an identity that is posted and never in an address."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from cases.admin.actors import actor_of
from cases.admin.audit.words import reason_in_words, who
from cases.admin.worklist import search
from cases.models import AuditEvent, Case
from cases.services.person import access_log, disclosure
from cases.services.person.access_log import AccessLog
from cases.services.refusal import Refused

Context = dict[str, Any]
TEMPLATE: Final = "portal/audit/access.html"


def of_case(request: HttpRequest, context: Context, case_id: int) -> HttpResponse:
    case = get_object_or_404(Case, pk=case_id)
    found = access_log.of_subjects([case.subject_id])
    return _page(request, {**context, "case": case}, found)


def of_search(request: HttpRequest, context: Context) -> HttpResponse:
    """The form; the result of a search where the address names one."""
    if not search.asked(request):
        return _page(request, context, None)
    if search.expired(request):
        messages.warning(request, _("That search has expired. Search again."))
        return HttpResponseRedirect(reverse("admin:cases_auditevent_person"))
    subjects = [UUID(key) for key in search.found(request)]
    context = {**context, "searched": True, "people": len(subjects)}
    return _page(request, context, access_log.of_subjects(subjects))


@sensitive_variables("sought")
def look_for(request: HttpRequest) -> HttpResponse:
    """Answer the form. That somebody looked is an event like any search by an identity."""
    here = reverse("admin:cases_auditevent_person")
    # The database takes no NUL, and nobody is called so.
    sought = request.POST.get("sought", "").replace("\0", "").strip()
    case = Case.objects.filter(reference=sought.upper()).only("pk").first()
    if case:
        return HttpResponseRedirect(reverse("admin:cases_auditevent_person_of_case", args=[case.pk]))
    try:
        subjects = disclosure.find_subjects(sought, actor=actor_of(request))
    except Refused as refused:
        messages.warning(request, str(refused))
        return HttpResponseRedirect(here)
    word = search.remember(request, [str(key) for key in subjects])
    return HttpResponseRedirect(f"{here}?{search.PARAMETER}={word}")


def _page(request: HttpRequest, context: Context, found: AccessLog | None) -> HttpResponse:
    rows = _rows(found.events if found else [])
    context = {**context, "title": _("Access to this data subject’s data"), "found": found, "rows": rows}
    context["onlookers"] = len({row["who"] for row in rows})
    context["exports"] = _rows(found.exports if found else [])
    return TemplateResponse(request, TEMPLATE, context)


def _rows(events: list[AuditEvent]) -> list[dict[str, Any]]:
    return [{"event": event, "who": who(event), "reason": reason_in_words(event)} for event in events]
