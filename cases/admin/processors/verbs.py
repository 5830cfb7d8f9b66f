"""Verbs of a processor: test its connection, connect it, pause it, resume it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actor import Actor
from cases.admin.processors import check, connect
from cases.admin.processors.form import has_api
from cases.admin.verb import ConfirmForm, Values, Verb, offered, permitted, verb_page
from cases.services.processors import accounts
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence
from integrations.connector import Capability, Connector
from integrations.models import Processor
from integrations.registry import connector_class


class PauseForm(ConfirmForm):
    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=list(accounts.PAUSE_REASONS.items()),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Enter a reason.")},
    )


@dataclass(frozen=True, slots=True)
class ProcessorVerb(Verb[Processor]):
    # The kinds that have it: of any other its page is not found.
    of: Callable[[type[Connector]], bool] = field(default=lambda _kind: True)


def _pause(processor: Processor, actor: Actor, said: Values) -> None:
    if not accounts.pause(processor, actor=actor, reason=said["reason"]):
        raise Superseded(Sentence("%(name)s is already paused.", name=processor.name))


def _resumed(request: HttpRequest, context: Values, processor: Processor, _nothing: Any) -> HttpResponseBase:
    messages.add_message(request, *check.sends_again(processor))
    return HttpResponseRedirect(context["back"])


VERBS: Final[tuple[ProcessorVerb, ...]] = (
    ProcessorVerb(
        "test",
        gettext_lazy("Test the connection"),
        "check",
        "integrations.test_processor",
        gettext_lazy(
            "Tests each stored credential with its API and checks everything else that the connection "
            "depends on. No data about any person is requested or sent. If everything works, a pause "
            "because of refused credentials ends."
        ),
        call=check.test,
        answer=check.tested,
        of=has_api,
    ),
    ProcessorVerb(
        "connect",
        gettext_lazy("Connect"),
        "processors",
        "integrations.change_processor",
        gettext_lazy(
            "Lists the workspaces that the stored credentials give access to. Choose the one that this "
            "processor stands for. Nothing changes until you choose."
        ),
        call=connect.ask_or_choose,
        form=connect.ConnectForm,
        asks=lambda processor: {"processor": processor},
        due=lambda processor: not accounts.missing_to_connect(processor),
        answer=connect.shown_or_chosen,
        template="portal/processors/connect.html",
        of=lambda kind: Capability.WORKSPACES in kind.capabilities,
    ),
    ProcessorVerb(
        "pause",
        gettext_lazy("Pause"),
        "pause",
        "integrations.pause_processor",
        gettext_lazy(
            "Nothing is sent until sending is resumed: no new requests, no cancellations and no status "
            "checks. Callbacks are still accepted. Legal deadlines do not pause."
        ),
        _pause,
        form=PauseForm,
        due=lambda processor: processor.paused_at is None,
        told=lambda processor, _nothing: _("%(name)s is paused.") % {"name": processor.name},
    ),
    ProcessorVerb(
        "resume",
        gettext_lazy("Resume"),
        "send",
        "integrations.pause_processor",
        gettext_lazy("Waiting requests are sent at once, in order of legal due date."),
        lambda processor, actor, _said: accounts.resume(processor, actor=actor),
        due=lambda processor: processor.paused_at is not None,
        answer=_resumed,
    ),
)


def offered_to(request: HttpRequest, processor: Processor) -> list[ProcessorVerb]:
    kind = connector_class(processor.kind)
    return [verb for verb in offered(request, VERBS, processor) if verb.of(kind)]


def page(request: HttpRequest, context: Values, processor_id: UUID, name: str) -> HttpResponseBase:
    verb = permitted(request, VERBS, name, sees="integrations.view_processor")
    processor = get_object_or_404(Processor.objects.select_related("data_key"), pk=processor_id)
    kind = connector_class(processor.kind)
    if not verb.of(kind):
        raise Http404

    def shown(refused: Refused | None) -> Values:
        about = format_html('<span class="muted">{}, {}</span>', kind.label, processor.account)
        return {
            "processor": processor,
            "named": processor,
            "about": about,
            **check.field_to_look_at(processor, refused),
        }

    back = reverse("admin:integrations_processor_change", args=[processor.pk])
    return verb_page(request, context, verb, processor, back=back, shown=shown)
