"""The verb on a case, or on a part of one: what such a row says besides what every verb of the desk does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model

from cases.admin.verb import ConfirmForm, Verb
from cases.admin.verbs.forms import NoteForm
from cases.lifecycle import CaseStatus
from cases.models import Case, ProcessorRequest

T = TypeVar("T", bound=Model)
Due = Callable[[Case, Sequence[ProcessorRequest]], bool]


def at(*statuses: CaseStatus) -> Due:
    return lambda case, _requests: case.status in statuses


def beside(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    """Offered beside what it is about, never in the case's menu."""
    return False


@dataclass(frozen=True, slots=True)
class CaseVerb(Verb[T]):
    """Done to a case; or, where `on` names what a part of a case is, to that part."""

    form: type[ConfirmForm] = NoteForm
    # Of the case and all its requests.
    due: Due = beside
    template: str = "portal/verbs/confirm.html"
    on: type[T] | None = None
