"""One page for every verb: permission, a form, one service call, then the case again with a message."""

from dataclasses import replace
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from cases.actor import Actor, Seen
from cases.admin.actors import actor_of
from cases.admin.verbs.table import BY_NAME
from cases.admin.verbs.verb import Verb
from cases.models import (
    Attachment,
    AttentionItem,
    Case,
    ForwardingExtension,
    ManualTask,
    Note,
    ProcessorRequest,
    ResultPackage,
)
from cases.services import versions
from cases.services.refusal import Refused
from dsrportal.crypto import KeyDestroyed, Unreadable

# Of each kind of part: which case it belongs to, and what is fetched with it.
PARTS: Final[dict[type[Model], tuple[str, ...]]] = {
    AttentionItem: ("case", "processor", "processor_request"),
    ResultPackage: (
        "processor_request__case",
        "processor_request__case__data_key",
        "processor_request__processor",
    ),
    ManualTask: (
        "processor_request__case",
        "processor_request__case__data_key",
        "processor_request__processor",
        "assignee",
    ),
    ProcessorRequest: ("case", "processor"),
    Note: ("case", "case__data_key", "parent"),
    Attachment: ("case", "case__data_key"),
    ForwardingExtension: (
        "processor_request__case",
        "processor_request__case__data_key",
        "processor_request__processor",
    ),
}


@sensitive_post_parameters()
def verb_page(
    request: HttpRequest, context: dict[str, Any], case_id: int, name: str, part_id: str = ""
) -> HttpResponseBase:
    """GET shows what would happen and changes nothing; POST does it, or says why not with all that was typed.

    The form carries how much of the case it was shown with, so that nothing is overwritten unseen.
    """
    verb = BY_NAME.get(name)
    if verb is None or bool(part_id) != bool(verb.on):
        raise Http404
    if not request.user.has_perms(["cases.view_case", verb.permission]):
        raise PermissionDenied
    version = _version(request, case_id)
    case = get_object_or_404(Case.objects.select_related("data_key", "subject", "blocked_by"), pk=case_id)
    part = _part(verb, case, part_id)
    form: Any
    if request.method == "POST":
        form = verb.form(request.POST, request.FILES, **verb.asks(case, part))
        if form.is_valid():
            try:
                result = verb.call(case, _actor(request, case, version), {**form.cleaned_data, "part": part})
            except Refused as refused:
                form.refuse(refused.sentences)
                if isinstance(refused, versions.Conflict):
                    version = refused.sequence  # that much was told now
                case.refresh_from_db()
            except KeyDestroyed:
                form.refuse((_("Its key was destroyed: this can never be read again."),))
            except Unreadable:
                form.refuse((_("It cannot be read: tell an administrator to check the master keys."),))
            else:
                return _answer(request, context, verb, case, result)
    else:
        form = verb.form(initial=verb.initial(case, part), **verb.asks(case, part))
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
            "version": version,
            **verb.page(case, actor_of(request), part),
        },
    )


def _answer(
    request: HttpRequest, context: dict[str, Any], verb: Verb, case: Case, result: Any
) -> HttpResponseBase:
    if verb.answer:
        return verb.answer(request, context, case, result)
    messages.success(request, verb.told(result))
    return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))


def _version(request: HttpRequest, case_id: int) -> int | None:
    """How much of the case the form was shown with; of one that is shown first, how much there is now."""
    if request.method != "POST":
        return versions.version(case_id)
    said = request.POST.get("version", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else None


def _actor(request: HttpRequest, case: Case, version: int | None) -> Actor:
    seen = None if version is None else Seen(case.pk, version)
    return replace(actor_of(request), seen=seen)


def _part(verb: Verb, case: Case, part_id: str) -> Model | None:
    """The part of this case that the address names; a part of another case is not found."""
    if verb.on is None:
        return None
    belongs, *fetched = PARTS[verb.on]
    rows = verb.on._default_manager.select_related(*fetched)
    try:
        return get_object_or_404(rows, pk=part_id, **{belongs: case})
    except (ValueError, ValidationError):
        raise Http404 from None
