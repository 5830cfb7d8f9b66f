"""Files with a case: encrypted as they come in, given out again as they came, and each time in the trail."""

import hashlib
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from cases.actor import Actor
from cases.models import Action, Attachment, Case
from cases.services import audit, notes
from cases.services.files import file_types, storage, uploads
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

MOST_FILES: Final = 100
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
LONGEST_NAME: Final = 200


def attach(case: Case, upload: UploadedFile, *, actor: Actor, text: str = "") -> Attachment:
    """Keep a file with a case, and what was said about it as a note. Raises Refused for what may not be kept."""
    if actor.user is None:
        raise Refused(Sentence("A file must be attached by a user."))
    size_bytes = uploads.checked_size(upload)
    if Attachment.objects.filter(case=case).count() >= MOST_FILES:
        raise Refused(Sentence("A case can have up to %(count)d files.", count=MOST_FILES))
    name = _plain(upload.name or "")
    content: Any = upload.file
    attachment = Attachment(
        case=case,
        name=name,
        media_type=file_types.media_type(name, content),
        size_bytes=size_bytes,
        uploaded_by=actor.user,
        uploaded_at=timezone.now(),
    )
    digest = hashlib.sha256()

    def counted() -> Iterator[bytes]:
        for piece in upload.chunks():
            digest.update(piece)
            yield piece

    # Before the transaction: file storage may be far away. What is left behind by a crash is purged.
    storage.save(attachment, counted(), case.data_key.secret())
    attachment.sha256 = digest.hexdigest()
    try:
        with transaction.atomic():
            attachment.note = notes.write(case, text, actor=actor)
            attachment.save(force_insert=True)
            _record(Action.ATTACHMENT_ADDED, attachment, actor=actor)
    except Exception:
        storage.delete(attachment.stored_name)
        raise
    return attachment


def download(attachment: Attachment, *, actor: Actor) -> Iterator[bytes]:
    """The clear bytes, streamed; that somebody took them is in the trail before the first byte leaves.

    A changed, cut or exchanged file raises dsrportal.crypto.Tampered; one that is not there is Refused.
    """
    pieces = storage.clear_chunks(attachment, attachment.case.data_key.secret())
    try:
        first = next(pieces, b"")
    except OSError:
        raise Refused(
            Sentence("The stored file cannot be read. Ask an administrator to check the file storage.")
        ) from None
    with transaction.atomic():
        _record(Action.ATTACHMENT_DOWNLOADED, attachment, actor=actor)
    return chain([first], pieces)


def _plain(name: str) -> str:
    """The file's own name, without the folders that some browsers send, and without signs that hide its ending."""
    name = _UNPRINTABLE.sub("", PurePosixPath(name.replace("\\", "/")).name).strip()
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}{dot}{ending}" if dot else name[:LONGEST_NAME]


def _record(action: Action, attachment: Attachment, *, actor: Actor) -> None:
    """Neither the name nor what was said: both may be about the person."""
    audit.record(
        action,
        actor=actor,
        case=attachment.case,
        note=attachment.note if action == Action.ATTACHMENT_ADDED else None,
        details={
            "attachment": str(attachment.pk),
            "media_type": attachment.media_type,
            "size_bytes": attachment.size_bytes,
            "sha256": attachment.sha256,
        },
    )
