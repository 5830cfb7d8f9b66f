"""From the list of cases to a preview: what was chosen there, what the verb asks, and a frozen run.

What was ticked comes as keys; “all that match” is never what the browser says, but the list's own query, asked again.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.bulk import forms
from cases.admin.bulk.verbs import BULK_BY_NAME, allowed
from cases.admin.export import Listed
from cases.models import Case
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import work as bulk_work
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

# All pages of the list as it is narrowed; None where it cannot be narrowed so.
WholeList = Callable[[], Listed | None]


@sensitive_post_parameters()
def ask(request: HttpRequest, context: dict[str, Any], name: str, listed: WholeList) -> HttpResponse:
    """The verb's form for what was chosen; once it is filled in, the run to confirm. Changes no case."""
    verb = BULK_BY_NAME.get(name)
    if verb is None:
        raise Http404
    if verb not in allowed(request):
        raise PermissionDenied
    try:
        cases, count = _chosen(request, listed)
    except Refused as refused:
        messages.warning(request, str(refused))
        return HttpResponseRedirect(_list(request))
    filled_in = "filled_in" in request.POST
    form = verb.form(request.POST if filled_in else None)
    if filled_in and form.is_valid():
        try:
            run = bulk_runs.start(
                cases, verb=verb.name, said=forms.as_json(form.cleaned_data), actor=actor_of(request)
            )
        except Refused as refused:
            form.refuse(refused.sentences)
        else:
            bulk_work.prepare_now(run)
            return HttpResponseRedirect(reverse("admin:cases_bulkrun_change", args=[run.pk]))
    shown = {
        **context,
        "title": verb.label,
        "verb": verb,
        "form": form,
        "count": count,
        "everything": _everything(request),
        "keys": [] if _everything(request) else _keys(request),
        "back": _list(request),
    }
    return TemplateResponse(request, "portal/bulk/ask.html", shown)


def _chosen(request: HttpRequest, listed: WholeList) -> tuple[QuerySet[Case], int]:
    """The cases, in the order of the list, and how many. Raises Refused for none, for too many, and for no list."""
    if _everything(request):
        shown = listed()
        if shown is None:
            raise Refused(Sentence("These filters are not valid."))
        cases: QuerySet[Case] = shown.queryset
    else:
        cases = Case.objects.filter(pk__in=_keys(request)).order_by("pk")
    count = cases.order_by()[: bulk_runs.MOST_CASES + 1].count()
    if not count:
        raise Refused(Sentence("Select cases first, or choose all that match."))
    if count > bulk_runs.MOST_CASES:
        raise Refused(
            Sentence(
                "More than %(most)s cases match. Filter the list first.",
                most=widgets.number(bulk_runs.MOST_CASES),
            )
        )
    return cases, count


def _everything(request: HttpRequest) -> bool:
    return request.POST.get("everything") == "1"


def _keys(request: HttpRequest) -> list[int]:
    return [int(key) for key in request.POST.getlist("case") if key.isdecimal() and len(key) < 19]


def _list(request: HttpRequest) -> str:
    query = request.GET.urlencode()
    return reverse("admin:cases_case_changelist") + (f"?{query}" if query else "")
