"""Tells people who have a case open who else has it open."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin.actors import actor_of
from cases.models import Case
from cases.services.worklist import presence


def sentence(names: list[str]) -> str:
    """“agnes has this case open too.”; "" where nobody has."""
    if not names:
        return ""
    return ngettext(
        "%(names)s also has this case open.", "%(names)s also have this case open.", len(names)
    ) % {"names": get_text_list(names, _("and"))}


def on_page(request: HttpRequest, case: Case) -> str:
    user = actor_of(request).user
    return sentence(presence.here(case.pk, user)) if user else ""


def presence_view(request: HttpRequest, case_id: int) -> HttpResponse:
    """The page says that it is still open, and is told in one line who else's is."""
    if not request.user.has_perm("cases.view_case"):
        raise PermissionDenied
    case = Case.objects.only("pk").filter(pk=case_id).first()
    if case is None:
        raise Http404
    return render(request, "portal/case/presence_line.html", {"others": on_page(request, case)})
