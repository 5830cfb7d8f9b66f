"""How much waits for whoever looks, as the navigation says it on every page: in one statement."""

from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest

from cases.admin.paging import CountUpTo
from cases.admin.task import waiting_for
from cases.desk import MOST_COUNTED
from cases.models import AttentionItem
from cases.services import mentions
from dsrportal.models import User


def counts(request: HttpRequest) -> dict[str, int]:
    """By the model behind a list, up to one more than MOST_COUNTED; nothing of lists that this person may not see."""
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
    return dict(zip(waiting, found, strict=True))


def open_items(request: HttpRequest) -> QuerySet[AttentionItem]:
    """As in the list of them: without `view_case` only what is about processors."""
    items = AttentionItem.objects.filter(resolved_at__isnull=True)
    return items if request.user.has_perm("cases.view_case") else items.filter(case__isnull=True)
