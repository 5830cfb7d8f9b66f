"""Choosing the workspace of a processor from a list: its credentials are asked which there are.

The list that was shown comes back signed, so that choosing needs no second call and only what was shown is taken.
"""

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from cases.actor import Actor
from cases.admin.processors.check import field_addresses
from cases.admin.verb import ConfirmForm, Values
from cases.services.processors import accounts
from cases.services.refusal import Refused
from integrations.errors import IntegrationError
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
    is_chosen: bool
    taken_by: str


@dataclass(frozen=True, slots=True)
class Chosen:
    workspace: Workspace
    is_new: bool


class ConnectForm(ConfirmForm):
    """Asks nothing before the workspaces are known, then for one of those that were shown."""

    workspace = forms.CharField(required=False, strip=False)

    def __init__(
        self, *args: Any, processor: Processor, workspaces: list[Workspace] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.processor, self.workspaces = processor, workspaces
        self.account_label = connector_class(processor.kind).account_label

    def clean(self) -> Values:
        said = super().clean() or self.cleaned_data
        said["chosen"] = None
        if self.missing():
            self.add_error("workspace", _("Store these first:"))
        elif "shown" in self.data:
            said["chosen"] = self._choose(said.get("workspace", ""))
        return said

    def _choose(self, key: str) -> Workspace | None:
        try:
            shown = signing.loads(self.data["shown"], salt=_salt(self.processor), max_age=_SHOWN_SECONDS)
        except signing.BadSignature:
            self.add_error(None, _("This list has expired. Request it again."))
            return None
        self.workspaces = [Workspace(id, name) for id, name in shown]
        chosen = next((found for found in self.workspaces if found.id == key), None)
        if chosen is None:
            self.add_error(None, _("Choose one."))
        return chosen

    def missing(self) -> list[tuple[str, str]]:
        """What has to be stored first: labels, and where their fields are."""
        fields = dict(field_addresses(self.processor).values())
        return [(label, fields[label]) for label in map(str, accounts.missing_to_connect(self.processor))]

    def shown(self) -> str:
        """The list, signed."""
        pairs = [[found.id, found.name] for found in self.workspaces or ()]
        return signing.dumps(pairs, salt=_salt(self.processor))

    def choices(self) -> list[Choice]:
        others = Processor.objects.filter(kind=self.processor.kind).exclude(pk=self.processor.pk)
        taken, present = dict(others.values_list("account", "name")), self.processor.account
        chosen = self["workspace"].value() or present
        return [
            Choice(found.id, found.name, found.id == present, found.id == chosen, taken.get(found.id, ""))
            for found in self.workspaces or ()
        ]


def ask_or_choose(processor: Processor, actor: Actor, said: Values) -> list[Workspace] | Chosen:
    """What there is to choose from; once one of these is chosen, that one, stored. Raises Refused."""
    chosen: Workspace | None = said["chosen"]
    if chosen is None:
        try:
            return accounts.workspaces(processor)
        except IntegrationError as error:
            raise Refused(error.sentence) from error
    changed = ["account"] if chosen.id != processor.account else []
    processor.account = chosen.id
    try:
        accounts.save(processor, actor=actor, changed=changed)
    except Refused:
        processor.refresh_from_db()
        raise
    return Chosen(chosen, is_new=bool(changed))


def shown_or_chosen(
    request: HttpRequest, context: Values, processor: Processor, found: list[Workspace] | Chosen
) -> HttpResponseBase:
    """The list to choose from; once one is chosen, the way back."""
    if isinstance(found, Chosen):
        messages.success(request, _told(processor, found))
        return HttpResponseRedirect(context["back"])
    form = ConnectForm(processor=processor, workspaces=found)
    return TemplateResponse(request, "portal/processors/connect.html", {**context, "form": form})


def _told(processor: Processor, chosen: Chosen) -> str:
    words = {"name": processor.name, "workspace": chosen.workspace.name or chosen.workspace.id}
    if not chosen.is_new:
        return _("%(name)s is already “%(workspace)s”. Nothing was changed.") % words
    return _("%(name)s is now “%(workspace)s”. The next response will confirm the connection.") % words


def _salt(processor: Processor) -> str:
    return f"workspaces of {processor.pk}"
