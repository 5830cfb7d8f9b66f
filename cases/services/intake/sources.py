"""Intake sources: forms of our own, their tokens, and what they may open. Every change is an event; no token is."""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from psycopg.errors import UniqueViolation

from cases.actor import Actor, Source
from cases.models import Action, IntakeSource
from cases.services import audit, differences
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence
from integrations.types import Regulation, RequestType

# So that whoever finds one somewhere knows what it is, and scanners for leaked secrets do too.
TOKEN_PREFIX: Final = "dsrp_"  # noqa: S105
TOLD: Final = ("name", "types", "regulations", "per_minute")
USE_IS_TOLD_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a source is called, what it may open, and how many calls it may make in any 60 seconds."""

    name: str
    types: Sequence[str]
    regulations: Sequence[str]
    per_minute: int


def create(terms: Terms, *, actor: Actor) -> tuple[IntakeSource, str]:
    """A new source and its token, which is shown once: nobody can read it again. Raises Refused."""
    if actor.user is None:
        raise Refused(Sentence("An intake source must be added by a user."))
    token = _new_token()
    source = IntakeSource(token_hash=_hash(token), token_made_at=timezone.now(), created_by=actor.user)
    with _one_of_a_name(), transaction.atomic():
        _set(source, terms)
        source.save(force_insert=True)
        _record(Action.INTAKE_SOURCE_CREATED, source, actor, changes=differences.between({}, _told(source)))
    return source, token


def change(source: IntakeSource, terms: Terms, *, actor: Actor) -> IntakeSource:
    """Change what it is called or may do. Its token stays. Raises Refused."""
    with _one_of_a_name(), transaction.atomic():
        locked = IntakeSource.objects.select_for_update().get(pk=source.pk)
        before = _told(locked)
        _set(locked, terms)
        changes = differences.between(before, _told(locked))
        if changes:
            locked.save(update_fields=list(TOLD))
            _record(Action.INTAKE_SOURCE_CHANGED, locked, actor, fields=sorted(changes), changes=changes)
    return locked


def rotate(source: IntakeSource, *, actor: Actor) -> str:
    """A new token, which is shown once. The old one is worth nothing from now on."""
    token = _new_token()
    with transaction.atomic():
        IntakeSource.objects.filter(pk=source.pk).update(
            token_hash=_hash(token), token_made_at=timezone.now()
        )
        _record(Action.INTAKE_TOKEN_ROTATED, source, actor)
    return token


def deactivate(source: IntakeSource, *, actor: Actor) -> None:
    """Stop taking calls from a source. The cases it opened go on. Raises Superseded where it is not active."""
    with transaction.atomic():
        if not IntakeSource.objects.filter(pk=source.pk, active=True).update(active=False):
            raise Superseded(Sentence("%(name)s is inactive.", name=source.name))
        _record(Action.INTAKE_SOURCE_DEACTIVATED, source, actor)


def activate(source: IntakeSource, *, actor: Actor) -> None:
    """Take calls from a source again, under the token it has. Raises Superseded where it is active already."""
    with transaction.atomic():
        if not IntakeSource.objects.filter(pk=source.pk, active=False).update(active=True):
            raise Superseded(Sentence("%(name)s is already active.", name=source.name))
        _record(Action.INTAKE_SOURCE_ACTIVATED, source, actor)


def by_token(token: str) -> IntakeSource | None:
    """The active source with this token. Looked up by its hash, so that the time it takes says nothing of it."""
    found: IntakeSource | None = IntakeSource.objects.filter(token_hash=_hash(token), active=True).first()
    if found is not None:
        _note_use(found)
    return found


def actor_of(source: IntakeSource, *, address: str) -> Actor:
    return Actor(Source.API, address=address, name=source.name)


def _note_use(source: IntakeSource) -> None:
    """To the hour, and so one write an hour however many calls there are."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    unseen = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_IS_TOLD_EVERY)
    if source.last_used_at is None or source.last_used_at <= now - USE_IS_TOLD_EVERY:
        IntakeSource.objects.filter(unseen, pk=source.pk).update(last_used_at=now)


def _set(source: IntakeSource, terms: Terms) -> None:
    types = [value for value in RequestType.values if value in terms.types]
    regulations = [value for value in Regulation.values if value in terms.regulations]
    if not types or not regulations:
        raise Refused(
            Sentence(
                "Choose at least one type and one regulation. Otherwise the source cannot open any case."
            )
        )
    source.name, source.per_minute = terms.name, terms.per_minute
    source.types, source.regulations = types, regulations


def _told(source: IntakeSource) -> dict[str, Any]:
    return {name: getattr(source, name) for name in TOLD}


def _new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _record(action: Action, source: IntakeSource, actor: Actor, **details: Any) -> None:
    audit.record(action, actor=actor, details={"source": source.name, "source_id": source.pk, **details})


@contextmanager
def _one_of_a_name() -> Iterator[None]:
    """Another with this name is a sentence, whoever was faster."""
    try:
        yield
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise Refused(Sentence("Another intake source already has this name.")) from error
