"""Lists of cases that somebody comes back to: their filters and their order under a name."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy, gettext_noop


class SavedView(models.Model):
    """One view of the list of cases, of one person or shared with everybody who sees cases.

    `query` is what stands in the list's address, in one canonical form: known filters and the order, never the result
    of a search by identity. The name stands in lists and in the trail: nothing personal.
    """

    name = models.CharField(max_length=40)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views")
    shared = models.BooleanField(default=False)
    query = models.CharField(max_length=1000)
    saved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = gettext_lazy("saved view")
        verbose_name_plural = gettext_lazy("saved views")
        # To see one is to see cases; to change one, to own it or to share.
        default_permissions = ("add",)
        permissions: ClassVar[list[Any]] = [
            ("share_savedview", gettext_noop("Can share saved views with everyone"))
        ]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                Lower("name"), "owner", condition=Q(shared=False), name="savedview_own_name_once"
            ),
            models.UniqueConstraint(
                Lower("name"), condition=Q(shared=True), name="savedview_shared_name_once"
            ),
            models.CheckConstraint(
                condition=~Q(query__regex=r"(^|&)found="), name="savedview_keeps_no_search"
            ),
        ]

    def __str__(self) -> str:
        return self.name
