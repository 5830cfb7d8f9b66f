"""One page for every verb: permission, a form, one service call, then the case again with a message."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.admin.acting import actor_of
from cases.admin.verbs import BY_NAME, Verb
from cases.models import AttentionItem, Case, ResultPackage
from cases.services.refusal import Refused
from dsrportal.crypto import KeyDestroyed, Unreadable


def verb_page(
    request: HttpRequest, context: dict[str, Any], case_id: int, name: str, part_id: str = ""
) -> HttpResponseBase:
    """GET shows what would happen and changes nothing; POST does it, or says why not with all that was typed."""
    verb = BY_NAME.get(name)
    if verb is None or bool(part_id) != bool(verb.on):
        raise Http404
    if not request.user.has_perms(["cases.view_case", verb.permission]):
        raise PermissionDenied
    case = get_object_or_404(Case.objects.select_related("data_key", "subject"), pk=case_id)
    part = _part(verb, case, part_id)
    form: Any
    if request.method == "POST":
        form = verb.form(request.POST)
        if form.is_valid():
            try:
                result = verb.call(case, actor_of(request), {**form.cleaned_data, "part": part})
            except Refused as refused:
                form.refuse(refused.sentences)
                case.refresh_from_db()
            except KeyDestroyed:
                form.refuse((_("Its key was destroyed: this can never be read again."),))
            except Unreadable:
                form.refuse((_("It cannot be read: tell an administrator to check the master keys."),))
            else:
                return _answer(request, context, verb, case, result)
    else:
        form = verb.form(initial=verb.initial(case))
    return TemplateResponse(
        request,
        verb.template,
        {
            **context,
            "title": verb.label,
            "case": case,
            "verb": verb,
            "part": part,
            "form": form,
            **verb.page(case, actor_of(request)),
        },
    )


def _answer(
    request: HttpRequest, context: dict[str, Any], verb: Verb, case: Case, result: Any
) -> HttpResponseBase:
    if verb.answer:
        return verb.answer(request, context, case, result)
    messages.success(request, verb.told(result))
    return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))


def _part(verb: Verb, case: Case, part_id: str) -> AttentionItem | ResultPackage | None:
    """The part of this case that the address names; a part of another case is not found."""
    try:
        if verb.on is AttentionItem:
            items = AttentionItem.objects.select_related("processor", "processor_request")
            return get_object_or_404(items, pk=part_id, case=case)
        if verb.on is ResultPackage:
            packages = ResultPackage.objects.select_related(
                "processor_request__case__data_key", "processor_request__processor"
            )
            return get_object_or_404(packages, pk=part_id, processor_request__case=case)
    except (ValueError, ValidationError):
        raise Http404 from None
    return None
