"""Naming somebody in a note, so that they see it. It gives them no right: who may not see cases is not told."""

import re
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from cases.actor import Actor
from cases.models import Action, Mention, Note
from cases.services import audit
from dsrportal.database.prepared import Given
from dsrportal.models import User

# A name as accounts have them, and no part of an e-mail address.
NAME: Final = re.compile(r"(?<![\w@.+-])@(\w[\w.@+-]{0,149})")
AT_THE_END: Final = ".@+-"
MOSTNAMES: Final = 20


@dataclass(frozen=True, slots=True)
class Named:
    """Who is named in a text, and how many names are nobody's who may see cases."""

    users: list[User]
    unknown: int = 0


def who_can_be_named() -> QuerySet[User]:
    """Active accounts of the desk that may see cases."""
    backend = "django.contrib.auth.backends.ModelBackend"
    allowed: QuerySet[User] = User.objects.with_perm("cases.view_case", backend=backend)
    return allowed.filter(is_staff=True)


def names_in(text: str) -> list[str]:
    """The names after an @, each once, in small letters; a full stop behind one ends a sentence."""
    found = (match.group(1).rstrip(AT_THE_END).lower() for match in NAME.finditer(text))
    return list(dict.fromkeys(name for name in found if name))[:MOSTNAMES]


def named(text: str) -> Named:
    names = names_in(text)
    if not names:
        return Named([])
    users: list[User] = [*who_can_be_named().annotate(small=Lower("username")).filter(small__in=names)]
    return Named(users, unknown=len(set(names) - {user.get_username().lower() for user in users}))


def record(note: Note, text: str, *, actor: Actor) -> Named:
    """Keep who is named in a new note, inside the caller's transaction. The trail has their accounts, not the text."""
    found = named(text)
    others = [user for user in found.users if user.pk != actor.user_id]
    Mention.objects.bulk_create(Mention(note=note, user=user) for user in others)
    for user in others:
        audit.record(
            Action.NOTE_MENTIONED,
            actor=actor,
            case=note.case,
            note=note,
            details={"account": user.get_username()},
        )
    return found


def unread(user: User | Given) -> QuerySet[Mention]:
    return Mention.objects.filter(user=user, read_at__isnull=True)


def read(mention: Mention) -> None:
    """It was read by whom it is for; the first time counts."""
    Mention.objects.filter(pk=mention.pk, read_at__isnull=True).update(read_at=timezone.now())


def read_thread(note: Note, *, user: User) -> None:
    """Whoever answers a thread has read it."""
    thread = unread(user).filter(note=note) | unread(user).filter(note__parent=note)
    thread.update(read_at=timezone.now())
