"""What people do to a processor besides changing it: test its connection, pause it, resume it."""

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
from cases.admin.acting import actor_of
from cases.services import outgoing, processors
from cases.services.refusal import Refused, Superseded
from integrations.models import Processor
from integrations.registry import connector_for

Told = list[tuple[int, str]]


class ConfirmForm(forms.Form):
    """Asks nothing: the button is the answer."""


class PauseForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=list(processors.PAUSE_REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Give a reason.")},
    )


def _test(processor: Processor, actor: Actor, said: dict[str, Any]) -> Told:
    was_paused = processor.paused_at is not None
    told = [
        (messages.SUCCESS if check.works else messages.ERROR, f"{check.name}: {check.sentence}")
        for check in processors.test_connection(processor, actor=actor)
    ]
    if was_paused:
        processor.refresh_from_db(fields=["paused_at"])
        if processor.paused_at is None:
            told.append(_sends_again(processor))
        else:
            told.append((messages.WARNING, _("%(name)s is still paused.") % {"name": processor.name}))
    return told


def _pause(processor: Processor, actor: Actor, said: dict[str, Any]) -> Told:
    if not processors.pause(processor, actor=actor, reason=said["reason"]):
        raise Superseded(_("%(name)s is paused already.") % {"name": processor.name})
    return [(messages.SUCCESS, _("%(name)s is paused.") % {"name": processor.name})]


def _resume(processor: Processor, actor: Actor, said: dict[str, Any]) -> Told:
    processors.resume(processor, actor=actor)
    return [_sends_again(processor)]


def _sends_again(processor: Processor) -> tuple[int, str]:
    name = {"name": processor.name}
    if outgoing.is_paused():
        return messages.WARNING, _("%(name)s sends again once everything outgoing is resumed.") % name
    return messages.SUCCESS, _("%(name)s sends again.") % name


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    label: str | Promise
    icon: str
    permission: str
    lead: str | Promise
    call: Callable[[Processor, Actor, dict[str, Any]], Told]
    form: type[forms.Form] = ConfirmForm
    # None: always worth offering; else only while it is, or is not, paused.
    while_paused: bool | None = None


VERBS: Final = (
    Verb(
        "test",
        gettext_lazy("Test the connection"),
        "check",
        "integrations.test_processor",
        gettext_lazy(
            "Each credential is tried on its own API, and the certificate that signs callbacks is fetched and checked. "
            "Nothing is asked or said about any person. A pause for refused credentials ends when all of it works."
        ),
        _test,
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
        PauseForm,
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
    paused = processor.paused_at is not None
    return [
        verb
        for verb in VERBS
        if request.user.has_perm(verb.permission) and verb.while_paused in {None, paused}
    ]


def verb_page(request: HttpRequest, context: dict[str, Any], processor_id: UUID, name: str) -> HttpResponse:
    """GET says what would happen and does nothing; POST does it and tells on the processor's own page."""
    verb = _BY_NAME.get(name)
    if verb is None:
        raise Http404
    if not request.user.has_perms(["integrations.view_processor", verb.permission]):
        raise PermissionDenied
    processor = get_object_or_404(Processor.objects.select_related("data_key"), pk=processor_id)
    form = verb.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            told = verb.call(processor, actor_of(request), form.cleaned_data)
        except Refused as refused:
            told = [(messages.ERROR, str(refused))]
        for level, sentence in told:
            messages.add_message(request, level, sentence)
        return HttpResponseRedirect(reverse("admin:integrations_processor_change", args=[processor.pk]))
    page = {**context, "title": verb.label, "verb": verb, "processor": processor, "form": form}
    page["label"] = connector_for(processor).label
    page["back"] = reverse("admin:integrations_processor_change", args=[processor.pk])
    return TemplateResponse(request, "admin/integrations/processor/verb.html", page)
