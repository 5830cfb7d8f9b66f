"""Views of the list of cases, kept under a name: personal, or shared with everybody who sees cases.

A view is no evidence and may be deleted; what is shared concerns others, so that is in the trail.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import parse_qsl

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from cases.actor import Actor
from cases.models import Action, SavedView
from cases.services import audit
from cases.services.refusal import Refused, Superseded
from dsrportal.database.prepared import Given, Prepared
from dsrportal.models import User
from dsrportal.sentence import Sentence

MOST: Final = 30
# What stands in lists and in the trail is words, and no address of a person.
_WORDS: Final = re.compile(r"[\w .,:&/+()-]{1,40}")


def visible_to(user: User | Given) -> QuerySet[SavedView]:
    """One's own and the shared ones, those first that everybody has."""
    return SavedView.objects.filter(Q(shared=True) | Q(owner=user)).order_by("-shared", "name", "pk")


# The queue asks it beside other things.
VISIBLE: Final = Prepared(lambda: visible_to(Given("user")))


def may_change(view: SavedView, user: User) -> bool:
    """What is shared is everybody's: only who may share changes it."""
    return user.has_perm("cases.share_savedview") if view.shared else view.owner_id == user.pk


def save(*, actor: Actor, name: str, query: str, shared: bool) -> SavedView:
    """Keep `query`, in the canonical form of the list's address. Raises Refused, with a sentence."""
    if actor.user is None:
        raise Refused(Sentence("A view must be saved by a user."))
    name = _checked(name)
    if not query:
        raise Refused(Sentence("Filter or sort the list first. A view saves the filters and the order."))
    if shared and not actor.user.has_perm("cases.share_savedview"):
        raise Refused(Sentence("Your role allows you to save your own views but not to share them."))
    if SavedView.objects.filter(owner=actor.user).count() >= MOST:
        raise Refused(Sentence("You have %(most)d views. Delete one that you no longer need.", most=MOST))
    with _name_taken():
        view = SavedView.objects.create(name=name, owner=actor.user, shared=shared, query=query)
        if shared:
            _record(Action.VIEW_SHARED, view, actor=actor, filters=sorted(dict(parse_qsl(query))))
    return view


def change(view: SavedView, *, actor: Actor, name: str, shared: bool) -> SavedView:
    """Rename a view, share it or take it back. Raises Refused, or Superseded where it is gone."""
    name = _checked(name)
    with _name_taken():
        locked = _locked(view, actor=actor)
        if shared != locked.shared and not (actor.user and actor.user.has_perm("cases.share_savedview")):
            raise Refused(Sentence("Your role allows you to save your own views but not to share them."))
        before, was_shared = locked.name, locked.shared
        locked.name, locked.shared = name, shared
        locked.save(update_fields=["name", "shared"])
        if was_shared and before != name:
            _record(Action.VIEW_RENAMED, locked, actor=actor, before=before)
        if shared and not was_shared:
            _record(Action.VIEW_SHARED, locked, actor=actor, filters=sorted(dict(parse_qsl(locked.query))))
        if was_shared and not shared:
            _record(Action.VIEW_UNSHARED, locked, actor=actor)
    return locked


def delete(view: SavedView, *, actor: Actor) -> None:
    """Raises Refused, or Superseded where it is gone already."""
    with transaction.atomic():
        locked = _locked(view, actor=actor)
        if locked.shared:
            _record(Action.VIEW_DELETED, locked, actor=actor)
        locked.delete()


def _locked(view: SavedView, *, actor: Actor) -> SavedView:
    locked = SavedView.objects.select_for_update().filter(pk=view.pk).first()
    if locked is None:
        raise Superseded(Sentence("This view was deleted in the meantime."))
    if actor.user is None or not may_change(locked, actor.user):
        raise Refused(Sentence("You cannot change this view because it is not yours."))
    return locked


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not _WORDS.fullmatch(name):
        raise Refused(
            Sentence(
                "The name of a view can have up to 40 characters: letters, digits, spaces and . , : & / "
                "+ ( ) - only. Do not use personal data."
            )
        )
    return name


@contextmanager
def _name_taken() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise Refused(Sentence("There is already a view with this name. Choose another one.")) from error


def _record(
    action: Action, view: SavedView, *, actor: Actor, before: str = "", filters: list[str] | None = None
) -> None:
    details: audit.Details = {"view": view.name, "view_id": view.pk}
    if before:
        details["before"] = before
    if filters is not None:
        details["filters"] = filters
    audit.record(action, actor=actor, details=details)
