"""Verbs of a processor: test its connection, connect it, pause it, resume it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actor import Actor
from cases.admin.actors import actor_of
from cases.admin.processors import check, connect
from cases.admin.processors.form import has_api
from cases.services.processors import accounts
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence
from integrations.connector import Capability, Connector
from integrations.models import Processor
from integrations.registry import connector_class

Told = list[tuple[int, str]]
Page = Callable[[HttpRequest, dict[str, Any], Processor], HttpResponse]


class ConfirmForm(forms.Form):
    """Asks nothing: the button is the answer."""


class PauseForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=list(accounts.PAUSE_REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Give a reason.")},
    )


def _pause(processor: Processor, actor: Actor, said: dict[str, Any]) -> Told:
    if not accounts.pause(processor, actor=actor, reason=said["reason"]):
        raise Superseded(Sentence("%(name)s is paused already.", name=processor.name))
    return [(messages.SUCCESS, _("%(name)s is paused.") % {"name": processor.name})]


def _resume(processor: Processor, actor: Actor, said: dict[str, Any]) -> Told:
    accounts.resume(processor, actor=actor)
    return [check.sends_again(processor)]


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    label: str | Promise
    icon: str
    permission: str
    lead: str | Promise
    # What it does, to tell of on the processor's page; a verb with more to show has an answer, or a page, of its own.
    call: Callable[[Processor, Actor, dict[str, Any]], Told] = lambda processor, actor, said: []
    answer: Page | None = None
    page: Page | None = None
    form: type[forms.Form] = ConfirmForm
    # None: always worth offering; else only while it is, or is not, paused.
    while_paused: bool | None = None
    # The kinds that have it.
    of: Callable[[type[Connector]], bool] = lambda kind: True
    # Whether it can be done as the processor stands; its page says what is missing.
    is_ready: Callable[[Processor], bool] = lambda processor: True


VERBS: Final = (
    Verb(
        "test",
        gettext_lazy("Test the connection"),
        "check",
        "integrations.test_processor",
        gettext_lazy(
            "Each stored credential is tried on its own API, and what else the connection rests on is checked. "
            "Nothing is asked or said about any person. A pause for refused credentials ends when all of it works."
        ),
        answer=check.page,
        of=has_api,
    ),
    Verb(
        "connect",
        gettext_lazy("Connect"),
        "processors",
        "integrations.change_processor",
        gettext_lazy(
            "The stored credentials are asked which workspaces they give access to, and you choose the one that this "
            "processor is. Nothing is changed before you choose."
        ),
        page=connect.page,
        of=lambda kind: Capability.WORKSPACES in kind.capabilities,
        is_ready=lambda processor: not accounts.missing_to_connect(processor),
    ),
    Verb(
        "pause",
        gettext_lazy("Pause"),
        "pause",
        "integrations.pause_processor",
        gettext_lazy(
            "Nothing more is sent until someone resumes it: no new requests, no cancels, no questions. Callbacks are "
            "still taken. Legal deadlines do not pause."
        ),
        _pause,
        form=PauseForm,
        while_paused=False,
    ),
    Verb(
        "resume",
        gettext_lazy("Resume"),
        "send",
        "integrations.pause_processor",
        gettext_lazy("What waits is sent at once, in order of legal due date."),
        _resume,
        while_paused=True,
    ),
)
_BY_NAME: Final = {verb.name: verb for verb in VERBS}


def offered(request: HttpRequest, processor: Processor) -> list[Verb]:
    paused, kind = processor.paused_at is not None, connector_class(processor.kind)
    return [
        verb
        for verb in VERBS
        if request.user.has_perm(verb.permission)
        and verb.while_paused in {None, paused}
        and verb.of(kind)
        and verb.is_ready(processor)
    ]


def verb_page(request: HttpRequest, context: dict[str, Any], processor_id: UUID, name: str) -> HttpResponse:
    """GET says what would happen and does nothing; POST does it and tells on the processor's own page."""
    verb = _BY_NAME.get(name)
    if verb is None:
        raise Http404
    if not request.user.has_perms(["integrations.view_processor", verb.permission]):
        raise PermissionDenied
    processor = get_object_or_404(Processor.objects.select_related("data_key"), pk=processor_id)
    kind = connector_class(processor.kind)
    if not verb.of(kind):
        raise Http404
    back = reverse("admin:integrations_processor_change", args=[processor.pk])
    page = {**context, "title": verb.label, "verb": verb, "processor": processor, "label": kind.label}
    page["back"] = back
    if verb.page:
        return verb.page(request, page, processor)
    form = verb.form(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return TemplateResponse(request, "portal/processors/verb.html", {**page, "form": form})
    if verb.answer:
        return verb.answer(request, page, processor)
    try:
        told = verb.call(processor, actor_of(request), form.cleaned_data)
    except Refused as refused:
        told = [(messages.ERROR, str(refused))]
    for level, sentence in told:
        messages.add_message(request, level, sentence)
    return HttpResponseRedirect(back)
