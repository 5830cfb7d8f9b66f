"""Offers of the filters of the list of cases that come out of tables: people who have cases, processors, tags."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.admin.worklist import search
from cases.admin.worklist.conditions import OPEN
from cases.models import Case, Tag
from dsrportal.database.prepared import Asking, Given, Prepared, ask
from dsrportal.models import User
from integrations.models import Processor

Words = Promise | str
Option = tuple[str, Words]


def _assignees() -> QuerySet[Any, Any]:
    theirs = Case.objects.filter(assignee=OuterRef("pk"), status__in=OPEN)
    others = User.objects.filter(Exists(theirs)).exclude(pk=Given("user"))
    return others.order_by("username").values_list("pk", "username")


_ASSIGNEES: Final = Prepared(_assignees)
_PROCESSORS: Final = Prepared(lambda: Processor.objects.order_by("name"))
_TAGS: Final = Prepared(lambda: Tag.objects.values_list("name", "name"))


@dataclass(frozen=True, slots=True)
class Offered:
    """Values in an address, each with its words; the processors whole, since a list shows more of them."""

    assignees: Sequence[Option] = ()
    processors: Sequence[Processor] = ()
    tags: Sequence[Option] = ()
    # The search by identity that the address names.
    found: Sequence[Option] = ()


def asking(user: int | None) -> tuple[Asking[Any], ...]:
    """The questions, for a page that asks others too; `read` reads their answers."""
    return (_ASSIGNEES.given(user=user), _PROCESSORS.given(), _TAGS.given())


def read(
    request: HttpRequest,
    assignees: Sequence[tuple[int, str]],
    processors: Sequence[Processor],
    tags: Sequence[Option],
) -> Offered:
    people = [(str(key), name) for key, name in assignees]
    return Offered(people, processors, tags, list(_found(request)))


def offered(request: HttpRequest) -> Offered:
    return read(request, *ask(*asking(request.user.pk)))


def _found(request: HttpRequest) -> Iterator[Option]:
    if not search.asked(request):
        return
    people = len(search.found(request))
    words = ngettext("%(people)d data subject", "%(people)d data subjects", people) % {"people": people}
    yield request.GET[search.PARAMETER], _("expired") if search.expired(request) else words
