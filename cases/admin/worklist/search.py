"""Finding a case: by reference straight to its page, by identity to a list whose address holds no identity."""

import re
import secrets
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from cases.admin.actors import actor_of
from cases.models import Case
from cases.services.person import disclosure
from cases.services.refusal import Refused

PARAMETER: Final = "found"
SESSION_KEY: Final = "found_by_identity"
REMEMBERED: Final = 10

_REFERENCE: Final = re.compile(r"DSR-\d{4}-\d{1,9}", re.ASCII | re.IGNORECASE)


def asked(request: HttpRequest) -> bool:
    """Whether this address names the result of a search."""
    return bool(request.GET.get(PARAMETER))


def found(request: HttpRequest, name: str = "") -> list[str]:
    """Keys of the data subjects that a search found, that of the address where none is named; none once forgotten."""
    results: dict[str, list[str]] = request.session.get(SESSION_KEY, {})
    return results.get(name or request.GET.get(PARAMETER, ""), [])


def expired(request: HttpRequest) -> bool:
    return asked(request) and request.GET[PARAMETER] not in request.session.get(SESSION_KEY, {})


@sensitive_variables("sought")
def search(request: HttpRequest) -> HttpResponseRedirect:
    """Answer the search form. What was typed is never an address: it would stay in the browser's history."""
    cases = reverse("admin:cases_case_changelist")
    sought = request.POST.get("sought", "").strip()
    if _REFERENCE.fullmatch(sought):
        case = Case.objects.filter(reference=sought.upper()).only("pk").first()
        if case:
            return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))
        messages.warning(request, _("Case %(reference)s does not exist.") % {"reference": sought.upper()})
        return HttpResponseRedirect(cases)
    try:
        subjects = disclosure.find_subjects(sought, actor=actor_of(request))
    except Refused as refused:
        messages.warning(request, str(refused))
        return HttpResponseRedirect(cases)
    return HttpResponseRedirect(f"{cases}?{PARAMETER}={remember(request, [str(key) for key in subjects])}")


def remember(request: HttpRequest, subjects: list[str]) -> str:
    name = secrets.token_urlsafe(9)
    earlier = list(request.session.get(SESSION_KEY, {}).items())[-(REMEMBERED - 1) :]
    request.session[SESSION_KEY] = {**dict(earlier), name: subjects}
    return name
