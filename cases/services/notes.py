"""Free text of people, kept encrypted under the case's key so that audit events can point at it."""

from dataclasses import dataclass

from django.db import transaction

from cases.actor import Actor
from cases.models import Action, Case, Note
from cases.services import audit, mentions
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

MOST_LETTERS = 10_000


@dataclass(frozen=True, slots=True)
class Written:
    """A note, and how many of the names in it are nobody's who could be told."""

    note: Note
    unknown_names: int = 0


def write(case: Case, text: str, *, actor: Actor) -> Note | None:
    """Keep what was typed; nothing typed is no note. The author must be a person. Whoever is named in it is told."""
    with transaction.atomic(savepoint=False):
        note = _keep(case, text, actor=actor)
        if note is not None:
            mentions.record(note, text, actor=actor)
    return note


def add(case: Case, text: str, *, actor: Actor, parent: Note | None = None) -> Written:
    """A note for its own sake, or an answer to one. It is part of the record: nobody edits or deletes it.

    Raises Refused where nothing was typed, and for an answer to what is not of this case.
    """
    if len(text) > MOST_LETTERS:
        raise Refused(Sentence("A note can have up to %(count)d characters.", count=MOST_LETTERS))
    if parent is not None and parent.case_id != case.pk:
        raise Refused(Sentence("The note you are replying to does not belong to this case."))
    # An answer to an answer stands in the same thread.
    thread = parent.parent if parent and parent.parent else parent
    with transaction.atomic():
        note = _keep(case, text, actor=actor, parent=thread)
        if note is None or actor.user is None:
            raise Refused(Sentence("Enter a text."))
        details: audit.Details = {"thread": str(thread.pk)} if thread else {}
        audit.record(Action.NOTE_WRITTEN, actor=actor, case=case, note=note, details=details)
        found = mentions.record(note, text, actor=actor)
        if thread is not None:
            mentions.read_thread(thread, user=actor.user)
    return Written(note, unknown_names=found.unknown)


def _keep(case: Case, text: str, *, actor: Actor, parent: Note | None = None) -> Note | None:
    text = text.strip()
    if not text or actor.user is None:
        return None
    return Note.objects.create(case=case, author=actor.user, text=text, parent=parent)
