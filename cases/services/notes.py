"""Free text of people, kept encrypted under the case's key so that audit events can point at it."""

from cases.actor import Actor
from cases.models import Case, Note


def write(case: Case, text: str, *, actor: Actor) -> Note | None:
    """Keep what was typed; nothing typed is no note. The author must be a person."""
    text = text.strip()
    if not text or actor.user is None:
        return None
    return Note.objects.create(case=case, author=actor.user, text=text)
