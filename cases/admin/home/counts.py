"""Counts what waits for whoever looks, for the navigation of every page, in one statement."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest

from cases.admin.home.task import waiting_for
from cases.admin.paging import CountUpTo
from cases.models import AttentionItem
from cases.services import mentions
from dsrportal.database.prepared import Asking, Given, Prepared
from dsrportal.models import User

# Beside a word of the navigation: what is more than this is as good as any larger number.
MOST_COUNTED: Final = 999
# The permission behind each list, which is named for its model.
LISTS: Final = {
    "cases.attentionitem": "cases.view_attentionitem",
    "cases.manualtask": "cases.view_manualtask",
    "cases.mention": "cases.view_case",
}


def counting(request: HttpRequest) -> Asking[tuple[int, ...]]:
    """The question to ask for this person; `read` reads its answer."""
    may = request.user.has_perm
    question = _question(_lists(request), may("cases.view_case"), may("cases.attest_manualtask"))
    return question.given(user=request.user.pk)


def read(request: HttpRequest, found: Sequence[tuple[int, ...]]) -> dict[str, str]:
    """Counts by the model behind each list ("12", "999+"), without zeros and without lists this person may not see."""
    lists = _lists(request)
    return {name: _shown(count) for row in found for name, count in zip(lists, row, strict=True) if count}


def _lists(request: HttpRequest) -> tuple[str, ...]:
    return tuple(name for name, permission in LISTS.items() if request.user.has_perm(permission))


@cache
def _question(lists: tuple[str, ...], sees_cases: bool, attests: bool) -> Prepared[tuple[int, ...]]:
    user = Given("user")

    def build() -> QuerySet[Any, Any]:
        waiting: dict[str, QuerySet[Any]] = {
            "cases.attentionitem": open_items(sees_cases=sees_cases),
            "cases.manualtask": waiting_for(user, attests=attests),
            "cases.mention": mentions.unread(user),
        }
        counts = (CountUpTo(waiting[name].order_by().values("pk")[: MOST_COUNTED + 1]) for name in lists)
        account = User.objects.filter(pk=user)
        return account.values_list(*counts) if lists else User.objects.none().values_list("pk")

    return Prepared(build)


def _shown(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def open_items(*, sees_cases: bool) -> QuerySet[AttentionItem]:
    """As in the list of them: without `view_case` only what is about processors."""
    items = AttentionItem.objects.filter(resolved_at__isnull=True)
    return items if sees_cases else items.filter(case__isnull=True)
