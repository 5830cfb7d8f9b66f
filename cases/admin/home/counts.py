"""Counts what waits for whoever looks, for the navigation of every page, in one statement."""

from typing import Any, Final, cast

from django.db.models import QuerySet
from django.http import HttpRequest

from cases.admin.home.task import waiting_for
from cases.admin.paging import CountUpTo
from cases.models import AttentionItem
from cases.services import mentions
from dsrportal.models import User

# Beside a word of the navigation: what is more than this is as good as any larger number.
MOST_COUNTED: Final = 999


def counts(request: HttpRequest) -> dict[str, str]:
    """Counts by the model behind each list ("12", "999+"), without zeros and without lists this person may not see."""
    user = cast(User, request.user)
    waiting: dict[str, QuerySet[Any]] = {}
    if user.has_perm("cases.view_attentionitem"):
        waiting["cases.attentionitem"] = open_items(request)
    if user.has_perm("cases.view_manualtask"):
        waiting["cases.manualtask"] = waiting_for(user)
    if user.has_perm("cases.view_case"):
        waiting["cases.mention"] = mentions.unread(user)
    if not waiting:
        return {}
    counted = (CountUpTo(rows.order_by().values("pk")[: MOST_COUNTED + 1]) for rows in waiting.values())
    found = User.objects.filter(pk=user.pk).values_list(*counted).get()
    return {model: _shown(count) for model, count in zip(waiting, found, strict=True) if count}


def _shown(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def open_items(request: HttpRequest) -> QuerySet[AttentionItem]:
    """As in the list of them: without `view_case` only what is about processors."""
    items = AttentionItem.objects.filter(resolved_at__isnull=True)
    return items if request.user.has_perm("cases.view_case") else items.filter(case__isnull=True)
