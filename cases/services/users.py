"""Accounts and roles in the trail: who came in, who was kept out, and whose rights changed.

All on the portal's own chain. Recorded are the names of fields, roles and accounts, and the values of what says nothing
of a person; passwords never are.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

from cases.actor import Actor
from cases.models import Action
from cases.services import audit, differences
from dsrportal.models import User

# What of an account is told with its values: nothing about the person.
_TOLD: Final = frozenset({"username", "is_active", "is_superuser", "time_zone"})


def logged_in(*, actor: Actor) -> None:
    _record(Action.USER_LOGGED_IN, actor=actor)


def logged_out(*, actor: Actor) -> None:
    _record(Action.USER_LOGGED_OUT, actor=actor)


def login_failed(username: str, *, actor: Actor) -> None:
    """What a stranger typed as a name may be a person's address or a password: only a known account is named."""
    _record(Action.USER_LOGIN_FAILED, actor=actor, details=_whose(username))


def locked_out(username: str, *, actor: Actor) -> None:
    _record(Action.USER_LOCKED_OUT, actor=actor, details=_whose(username))


def created(user: User, *, actor: Actor, roles: Collection[str]) -> None:
    with transaction.atomic():
        _record(Action.USER_CREATED, actor=actor, details=_about(user))
        roles_changed(user, actor=actor, before=(), after=roles)


def changed(
    user: User, *, actor: Actor, fields: Collection[str], before: Mapping[str, Any] | None = None
) -> None:
    """Record which fields of an account changed, and from what. Of a person's name and e-mail only that they did.

    Becoming or ceasing to be a superuser is named as the reason.
    """
    if not fields:
        return
    reason = ""
    if "is_superuser" in fields:
        reason = "superuser_granted" if user.is_superuser else "superuser_revoked"
    details: audit.Details = {**_about(user), "fields": sorted(fields)}
    if before is not None:
        old, new = ({name: row.get(name) for name in fields} for row in (before, vars(user)))
        details["changes"] = differences.between(old, new, untold=set(fields) - _TOLD)
    _record(Action.USER_CHANGED, actor=actor, reason=reason, details=details)


def settled(user: User, *, actor: Actor, language: str, time_zone: str) -> None:
    """Keep how somebody wants the desk to speak to them."""
    wanted = {"language": language, "time_zone": time_zone}
    fields = [name for name, value in wanted.items() if getattr(user, name) != value]
    with transaction.atomic():
        for name in fields:
            setattr(user, name, wanted[name])
        user.save(update_fields=fields)
        changed(user, actor=actor, fields=fields)


def roles_changed(user: User, *, actor: Actor, before: Collection[str], after: Collection[str]) -> None:
    added, removed = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    if added or removed:
        details: audit.Details = {**_about(user), "added": added, "removed": removed}
        _record(Action.ROLES_CHANGED, actor=actor, details=details)


def password_changed(user: User, *, actor: Actor) -> None:
    reason = "own" if actor.user_id == user.pk else "by_another"
    _record(Action.PASSWORD_CHANGED, actor=actor, reason=reason, details=_about(user))


def role_changed(
    role: str,
    *,
    actor: Actor,
    added: Collection[str],
    removed: Collection[str],
    reason: str = "",
    was: str = "",
) -> None:
    """Record which permissions (`app.codename`) a role gained and lost; `reason` says so for made and deleted.

    `was` is the name of one that has another now.
    """
    if added or removed or reason:
        details: audit.Details = {"role": role, "added": sorted(added), "removed": sorted(removed)}
        if was:
            details["changes"] = {"name": [was, role]}
        _record(Action.ROLE_CHANGED, actor=actor, reason=reason, details=details)


def name_of(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def names_of(permissions: Iterable[Permission]) -> list[str]:
    return [name_of(permission) for permission in permissions]


def beyond(giver: User, permissions: Iterable[Permission]) -> list[str]:
    """Which of these the giver does not have and so cannot give; nothing for a superuser."""
    return sorted(name for name in names_of(permissions) if not giver.has_perm(name))


def may_manage(manager: User, other: User) -> bool:
    """Whether one account may change another: whoever could set its password could become it.

    The other's roles count even while the account is inactive, since managing it could mean activating it.
    """
    if manager.is_superuser:
        return True
    if other.is_superuser:
        return False
    rights = Permission.objects.filter(Q(group__user=other) | Q(user=other)).select_related("content_type")
    return not beyond(manager, rights)


def permissions_of(roles: Iterable[Group]) -> list[Permission]:
    return list(Permission.objects.filter(group__in=roles).select_related("content_type").distinct())


def _whose(username: str) -> audit.Details:
    known = User.objects.filter(username=username).values_list("pk", flat=True).first() if username else None
    return {"account_id": known} if known else {}


def _about(user: User) -> audit.Details:
    return {"account": user.get_username(), "account_id": user.pk}


def _record(action: Action, *, actor: Actor, reason: str = "", details: audit.Details | None = None) -> None:
    with transaction.atomic():
        audit.record(action, actor=actor, reason=reason, details=details)
