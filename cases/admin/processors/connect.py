"""Choosing the workspace of a processor from a list: its credentials are asked which there are.

The list that was shown comes back signed, so that choosing needs no second call and only what was shown is taken.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from cases.admin.actors import actor_of
from cases.admin.processors.check import field_addresses
from cases.services.processors import accounts
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence
from integrations.errors import IntegrationError, Unauthorized
from integrations.models import Processor
from integrations.registry import connector_class
from integrations.types import Workspace

_SHOWN_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Choice:
    """One workspace to choose; `taken_by` names the other processor that it is already."""

    id: str
    name: str
    is_present: bool
    taken_by: str


def page(request: HttpRequest, context: dict[str, Any], processor: Processor) -> HttpResponse:
    """GET explains; the first POST asks for the workspaces and shows them, the second stores the choice."""
    found = {**context, "missing": _missing(processor), "account_label": _account_label(processor)}
    if request.method != "POST" or found["missing"]:
        return _shown(request, found)
    if "shown" in request.POST:
        return _choose(request, found, processor)
    try:
        workspaces = accounts.workspaces(processor)
    except IntegrationError as error:
        return _shown(request, {**found, **_failed(processor, error)})
    return _shown(request, {**found, **_listed(processor, workspaces)})


def _choose(request: HttpRequest, context: dict[str, Any], processor: Processor) -> HttpResponse:
    try:
        shown = signing.loads(request.POST["shown"], salt=_salt(processor), max_age=_SHOWN_SECONDS)
    except signing.BadSignature:
        sentence = _("This list is too old to choose from: ask for it again.")
        return _shown(request, {**context, "problem": sentence})
    workspaces = [Workspace(id, name) for id, name in shown]
    chosen = next((found for found in workspaces if found.id == request.POST.get("workspace")), None)
    if chosen is None:
        problem = _("Choose one of them.")
        return _shown(request, {**context, **_listed(processor, workspaces), "problem": problem})
    changed = ["account"] if chosen.id != processor.account else []
    processor.account = chosen.id
    try:
        accounts.save(processor, actor=actor_of(request), changed=changed)
    except Refused as refused:
        processor.refresh_from_db()
        return _shown(request, {**context, **_listed(processor, workspaces), "problem": str(refused)})
    messages.success(request, _told(processor, chosen, is_new=bool(changed)))
    return HttpResponseRedirect(reverse("admin:integrations_processor_change", args=[processor.pk]))


def _told(processor: Processor, chosen: Workspace, *, is_new: bool) -> str:
    words = {"name": processor.name, "workspace": chosen.name or chosen.id}
    if not is_new:
        return _("%(name)s is “%(workspace)s” already; nothing was changed.") % words
    return _("%(name)s is now “%(workspace)s”. The next answer proves it.") % words


def _listed(processor: Processor, workspaces: list[Workspace]) -> dict[str, Any]:
    others = Processor.objects.filter(kind=processor.kind).exclude(pk=processor.pk)
    taken = dict(others.values_list("account", "name"))
    choices = [
        Choice(found.id, found.name, found.id == processor.account, taken.get(found.id, ""))
        for found in workspaces
    ]
    shown = signing.dumps([[found.id, found.name] for found in workspaces], salt=_salt(processor))
    return {"choices": choices, "shown": shown, "asked": True}


def _failed(processor: Processor, error: IntegrationError) -> dict[str, Any]:
    key_field = error.key_field if isinstance(error, Unauthorized) else ""
    label, address = field_addresses(processor).get(key_field, ("", ""))
    return {"problem": error.sentence, "field": label, "field_address": address}


def _missing(processor: Processor) -> list[tuple[str, str]]:
    """What has to be stored first: labels, and where their fields are."""
    fields = dict(field_addresses(processor).values())
    return [(label, fields[label]) for label in map(str, accounts.missing_to_connect(processor))]


def _account_label(processor: Processor) -> Sentence:
    return connector_class(processor.kind).account_label


def _salt(processor: Processor) -> str:
    return f"workspaces of {processor.pk}"


def _shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, "portal/processors/connect.html", context)
