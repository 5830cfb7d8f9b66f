"""Opening a case from the desk."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from cases.actor import Actor
from cases.admin.actors import actor_of
from cases.admin.intake.forms import FIRST_ROW, IdentityFormSet, OpenCaseForm
from cases.lifecycle import UNVERIFIED_TYPES
from cases.models import Case, ClockKind
from cases.services.intake import opening
from cases.services.intake.rules import Asked, CannotOpen, Fault
from cases.services.planning import planning
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence
from integrations.types import RequestType


@sensitive_post_parameters()
def open_case(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The form, or its answer: a case, or the sentences that say why not, with everything typed still there."""
    data = request.POST if request.method == "POST" else None
    form = OpenCaseForm(data)
    identities = IdentityFormSet(data, prefix="identities", initial=FIRST_ROW)
    if data is not None and form.is_valid() & identities.is_valid():
        try:
            case = _open(form, identities, actor=actor_of(request))
        except CannotOpen as refused:
            _mark(form, identities, refused.faults)
        except Refused as refused:
            form.refuse(refused.sentences)
        else:
            _tell(request, case)
            return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))
    return TemplateResponse(
        request,
        "portal/intake/open_case.html",
        {**context, "title": _("Open a case"), "form": form, "identities": identities},
    )


def _open(form: OpenCaseForm, identities: Any, *, actor: Actor) -> Case:
    said = form.cleaned_data
    asked = Asked(
        type=said["type"],
        regulation=said["regulation"],
        received_at=said["received_at"],
        identities=tuple(identities.identities),
        skip_waiting_period=said["skip_waiting_period"],
        group_name=said["group_name"],
        purposes=tuple(form.purposes),
        # What stands in the rows of another type was hidden, and is meant for none.
        corrections=tuple(identities.corrections) if said["type"] == RequestType.CORRECTION else (),
    )
    return opening.open_case(asked, actor=actor)


def _mark(form: OpenCaseForm, identities: Any, faults: Sequence[Fault]) -> None:
    """Each at its field or in its row; above all of them what has no place on the page."""
    above: dict[Sentence, None] = {}
    for fault in faults:
        if fault.field in form.fields:
            form.add_error(fault.field, str(fault.beside))
        elif not identities.mark(fault):
            above[fault.sentence] = None
    form.refuse(tuple(above))


def _tell(request: HttpRequest, case: Case) -> None:
    """When it is due; where it went, or into how many requests it is split and why. No identity in either."""
    due_on = date_format(case.clocks.get(kind=ClockKind.RESPONSE).due_on, "DATE_FORMAT")
    messages.success(
        request,
        _("Case %(reference)s opened. Due on %(due_on)s.") % {"reference": case.reference, "due_on": due_on},
    )
    sentence = sent_in_words(case) if case.type in UNVERIFIED_TYPES else plan_in_words(case)
    if sentence:
        messages.info(request, sentence)


def sent_in_words(case: Case) -> str:
    """Where what needs no approval went, and who was not asked and why."""
    names = list(dict.fromkeys(case.requests.values_list("processor__name", flat=True)))
    sentence = _("No verification or approval is needed. The request is being sent to %(names)s.") % {
        "names": get_text_list(names, _("and"))
    }
    skipped = case.skipped_processors.order_by("processor__name")
    return " ".join(
        [sentence, *(_("Skipped: %(sentence)s") % {"sentence": skip.sentence} for skip in skipped)]
    )


def plan_in_words(case: Case) -> str:
    """Into how many requests a case will be split and why; "" for a case of one."""
    planned = Counter(each.processor.name for each in planning.preview(planning.draft_of(case)).requests)
    if planned.total() < 2:
        return ""
    parts = [
        ngettext("%(count)d to %(name)s", "%(count)d to %(name)s", count) % {"count": count, "name": name}
        for name, count in planned.items()
    ]
    sentence = _("The plan has %(count)d requests: %(parts)s.") % {
        "count": planned.total(),
        "parts": ", ".join(parts),
    }
    if max(planned.values()) > 1:
        sentence += " " + _(
            "A request can hold one value of each identifier type. An mParticle ID always has a request of "
            "its own."
        )
    return sentence
