"""The verb of the desk: a row of a table, without rules of its own.

The services decide. `due` only says when a verb is worth offering; whoever asks for another hears why not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import Promise

from cases.actor import Actor
from cases.admin.verbs import previews
from cases.admin.verbs.forms import ConfirmForm, NoteForm
from cases.lifecycle import CaseStatus
from cases.models import Case, ProcessorRequest

Text = str | Promise
Values = dict[str, Any]
Due = Callable[[Case, Sequence[ProcessorRequest]], bool]
Answer = Callable[[HttpRequest, dict[str, Any], Case, Any], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing to do. `call` is the one service call; `answer` is there where a message is not enough."""

    name: str
    label: Text
    icon: str
    permission: str
    due: Due
    lead: Text
    call: Callable[[Case, Actor, Values], Any]
    form: type[ConfirmForm] = NoteForm
    # What the form must know of the case, or of the part of it: keyword arguments.
    asks: Callable[[Case, Any], Mapping[str, Any]] = field(default=lambda _case, _part: {})
    told: Callable[[Any], str] = field(default=lambda _result: "")
    button: Text = ""
    danger: bool = False
    page: Callable[[Case, Actor, Any], Values] = previews.plain
    template: str = "portal/verbs/confirm.html"
    initial: Callable[[Case, Any], Values] = field(default=lambda _case, _part: {})
    answer: Answer | None = None
    # What of the case it is done to, where it is a part of it.
    on: type[Model] | None = None


def at(*statuses: CaseStatus) -> Due:
    return lambda case, _requests: case.status in statuses


def on_a_part(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    """Offered beside the part, never in the case's menu."""
    return False
