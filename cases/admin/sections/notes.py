"""Notes and attachments of a case, as its page shows them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from cases.admin.sections.person import UNREADABLE
from cases.models import Attachment, Case, Mention, Note
from cases.services.mentions import AT_THE_END, NAME
from dsrportal.crypto import Unreadable
from dsrportal.database.prepared import Given, Prepared, know
from dsrportal.models import User


@dataclass(frozen=True, slots=True)
class Said:
    """One note. `words` is markup: what was typed, escaped, with the names of those who were told marked."""

    note: Note
    words: SafeString
    # The mention that names whoever looks, and that they have not marked as read.
    unread: int | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    first: Said
    replies: list[Said] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class File:
    row: Attachment
    name: str


# Who is named in a note: fetched with it.
_TOLD: Final = ArraySubquery(
    Mention.objects.filter(note=OuterRef("pk"))
    .order_by("pk")
    .values(told=JSONObject(pk="pk", user="user", name="user__username", read_at="read_at"))
)


NOTES: Final = Prepared(
    lambda: (
        Note.objects.filter(case=Given("case"))
        .select_related("author")
        .annotate(told=_TOLD)
        .order_by("created_at", "pk")
    )
)
FILES: Final = Prepared(
    lambda: (
        Attachment.objects.filter(case=Given("case"))
        .select_related("uploaded_by")
        .order_by("uploaded_at", "pk")
    )
)


def threads(case: Case, notes: Iterable[Note], *, user: User) -> list[Thread]:
    """Every note, each with what answers it, in the order in which they were written; `notes` answer `NOTES`."""
    found: dict[UUID, Thread] = {}
    for note in notes:
        know(note, case=case)  # whose key it is read with
        said = _said(note, user)
        if note.parent_id in found:
            found[note.parent_id].replies.append(said)
        else:
            found[note.pk] = Thread(said)
    return list(found.values())


def keys(of: Iterable[Thread]) -> set[UUID]:
    return {said.note.pk for thread in of for said in (thread.first, *thread.replies)}


def files(case: Case, rows: Iterable[Attachment]) -> list[File]:
    """Of the answer to `FILES`."""
    found = []
    for row in rows:
        know(row, case=case)
        found.append(File(row, file_name(row)))
    return found


def file_name(attachment: Attachment) -> str:
    try:
        return attachment.name
    except Unreadable:
        return str(UNREADABLE)


def _said(note: Any, user: User) -> Said:
    names = {each["name"].lower() for each in note.told}
    unread = (each["pk"] for each in note.told if each["user"] == user.pk and not each["read_at"])
    return Said(note, marked(text_of(note), names), next(unread, None))


def text_of(note: Note) -> str:
    try:
        return note.text
    except Unreadable:
        return _("This note can no longer be read.")


def marked(text: str, names: Collection[str]) -> SafeString:
    """The text as paragraphs, escaped, with these names after an @ marked."""

    def mark(match: re.Match[str]) -> str:
        # What stands behind a name, such as a full stop, is no part of it.
        name = match.group(1).rstrip(AT_THE_END)
        if name.lower() not in names:
            return match.group(0)
        return f'<span class="mention">@{name}</span>{match.group(1)[len(name) :]}'

    # Escaping changes no letter, digit or sign that a name may have.
    return mark_safe(linebreaks(NAME.sub(mark, str(escape(text)))))  # noqa: S308 (escaped above)
