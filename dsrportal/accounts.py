"""Loads whoever is logged in together with what their roles allow, in one query.

Each request asks anew, so that a right that is taken away counts at once.
"""

from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Concat

from dsrportal.database.prepared import Given, Prepared
from dsrportal.models import User

# As Django writes a permission: `cases.view_case`.
_NAME: Final = Concat("content_type__app_label", Value("."), "codename")


def _account() -> QuerySet[User]:
    own = Permission.objects.filter(user=OuterRef("pk")).order_by()
    of_roles = Permission.objects.filter(group__user=OuterRef("pk")).order_by()
    return User.objects.filter(pk=Given("user")).annotate(
        own=ArraySubquery(own.values_list(_NAME)), of_roles=ArraySubquery(of_roles.values_list(_NAME))
    )


_ACCOUNT: Final = Prepared(_account)


class AccountsBackend(ModelBackend):
    """Django's own, but that a person comes with their permissions."""

    def get_user(self, user_id: Any) -> User | None:
        found = _ACCOUNT.ask(user=user_id)
        if not found or not self.user_can_authenticate(found[0]):
            return None
        user: Any = found[0]
        if not user.is_superuser:  # they may do everything, without a list
            # Where ModelBackend looks first.
            user._user_perm_cache, user._group_perm_cache = set(user.own), set(user.of_roles)
            user._perm_cache = user._user_perm_cache | user._group_perm_cache
        return user  # type: ignore[no-any-return]
