"""Opening a case from the desk."""

from collections import Counter
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from cases.admin.acting import actor_of
from cases.admin.case_forms import FIRST_ROW, IdentityFormSet, OpenCaseForm
from cases.models import Case, ClockKind
from cases.services import intake, planning
from cases.services.refusal import Refused
from integrations.types import Draft, Identity


@sensitive_post_parameters()
def open_case(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The form, or its answer: a case, or the sentences that say why not, with everything typed still there."""
    data = request.POST if request.method == "POST" else None
    form = OpenCaseForm(data)
    identities = IdentityFormSet(data, prefix="identities", initial=FIRST_ROW)
    if data is not None and form.is_valid() & identities.is_valid():
        try:
            case = intake.open_case(
                actor=actor_of(request), identities=identities.identities, **form.cleaned_data
            )
        except Refused as refused:
            form.refuse(refused.sentences)
        else:
            _tell(request, case, identities.identities)
            return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))
    return TemplateResponse(
        request,
        "portal/open_case.html",
        {**context, "title": _("Open a case"), "form": form, "identities": identities},
    )


def _tell(request: HttpRequest, case: Case, identities: list[Identity]) -> None:
    """When it is due; and where it becomes several requests, how many and why. No identity in either."""
    due_on = date_format(case.clocks.get(kind=ClockKind.RESPONSE).due_on, "d M Y")
    messages.success(
        request,
        _("Opened case %(reference)s, due %(due_on)s.") % {"reference": case.reference, "due_on": due_on},
    )
    sentence = plan_in_words(case, identities)
    if sentence:
        messages.info(request, sentence)


def plan_in_words(case: Case, identities: list[Identity]) -> str:
    """Into how many requests a case will be split and why; "" for a case of one."""
    draft = Draft(case.type, case.regulation, tuple(identities), case.skip_waiting_period)
    planned = Counter(request.processor.name for request in planning.preview(draft))
    if planned.total() < 2:
        return ""
    parts = [
        ngettext("%(count)d to %(name)s", "%(count)d to %(name)s", count) % {"count": count, "name": name}
        for name, count in planned.items()
    ]
    sentence = _("It is planned as %(count)d requests: %(parts)s.") % {
        "count": planned.total(),
        "parts": ", ".join(parts),
    }
    if max(planned.values()) > 1:
        sentence += " " + _("One request holds one value of each kind, and an mParticle ID stands alone.")
    return sentence
