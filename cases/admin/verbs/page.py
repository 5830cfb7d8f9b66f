"""The page of a verb on a case: which part of it is meant, and that nothing of it is overwritten unseen."""

from dataclasses import replace
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from cases.actor import Seen
from cases.admin import verb as desk_verb
from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.verb import Values, permitted
from cases.admin.verbs.table import VERBS
from cases.admin.verbs.verb import CaseVerb
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
    request: HttpRequest, context: Values, case_id: int, name: str, part_id: str = ""
) -> HttpResponseBase:
    """The form carries how much of the case it was shown with, so that nothing is overwritten unseen."""
    verb = permitted(request, VERBS, name, sees="cases.view_case")
    if bool(part_id) != bool(verb.on):
        raise Http404
    version = shown_version(request, case_id)
    case = get_object_or_404(Case.objects.select_related("data_key", "subject", "blocked_by"), pk=case_id)
    part = _part(verb, case, part_id)

    def shown(refused: Refused | None) -> Values:
        if refused:
            case.refresh_from_db()
        return {
            "case": case,
            "part": part,
            "named": case,
            "about": widgets.case_badge(case.status),
            # A conflict has told of what came since.
            "version": refused.sequence if isinstance(refused, versions.Conflict) else version,
        }

    return desk_verb.verb_page(
        request,
        context,
        verb,
        case if part is None else part,
        back=reverse("admin:cases_case_change", args=[case.pk]),
        actor=replace(actor_of(request), seen=seen(case, version)),
        shown=shown,
    )


def shown_version(request: HttpRequest, case_id: int, *, field: str = "version") -> int | None:
    """How much of the case the form was shown with; of one that is shown first, how much there is now."""
    if request.method != "POST":
        return versions.version(case_id)
    sent = request.POST.get(field, "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 19 else None


def seen(case: Case, version: int | None) -> Seen | None:
    return None if version is None else Seen(case.pk, version)


def _part(verb: CaseVerb[Any], case: Case, part_id: str) -> Model | None:
    """The part of this case that the address names; a part of another case is not found."""
    if verb.on is None:
        return None
    belongs, *fetched = PARTS[verb.on]
    rows = verb.on._default_manager.select_related(*fetched)
    try:
        part: Model = get_object_or_404(rows, pk=part_id, **{belongs: case})
    except (ValueError, ValidationError):
        raise Http404 from None
    return part
