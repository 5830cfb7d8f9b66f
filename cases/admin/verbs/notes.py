"""Verbs that take a case, write about it and put files with it, with what each asks."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.admin.verb import ConfirmForm
from cases.admin.verbs.forms import NoteForm
from cases.admin.verbs.verb import CaseVerb
from cases.lifecycle import CaseStatus
from cases.models import Attachment, Case, Note, ProcessorRequest
from cases.services import notes
from cases.services.files import attachments
from cases.services.files.file_types import BY_ENDING, ENDINGS
from cases.services.notes import MOST_LETTERS, Written
from cases.services.worklist import assigning


class TalkForm(ConfirmForm):
    text = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=MOST_LETTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("Enter a text.")},
        help_text=gettext_lazy(
            "Stored encrypted with the case. It cannot be edited or deleted. Type @name to notify a "
            "colleague with access to cases."
        ),
    )


class AttachForm(NoteForm):
    upload = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        widget=forms.FileInput,
        error_messages={"required": gettext_lazy("Choose a file.")},
    )
    field_order = ("upload", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].label = _("Description")
        self.fields["upload"].widget.attrs["accept"] = ",".join(f".{ending}" for ending in BY_ENDING)
        self.fields["upload"].help_text = _(
            "Up to %(limit)s: %(endings)s. Encrypted on upload and kept as long as the case."
        ) % {"limit": filesizeformat(settings.UPLOAD_LIMIT_BYTES), "endings": ", ".join(BY_ENDING)}


def _untaken(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return case.status != CaseStatus.CLOSED and case.assignee_id is None


def _written(
    request: HttpRequest, context: dict[str, Any], _about: Case | Note, written: Written
) -> HttpResponseBase:
    """Back to the case, at the note. What a name was is not repeated: it may be the person's."""
    messages.success(request, _("Note added."))
    unknown = written.unknown_names
    if unknown:
        messages.warning(
            request,
            ngettext(
                "%(count)d mention reached no one: no colleague with access to cases has that name.",
                "%(count)d mentions reached no one: no colleague with access to cases has those names.",
                unknown,
            )
            % {"count": unknown},
        )
    return HttpResponseRedirect(f"{context['back']}#note-{written.note.pk}")


def _given_out(
    request: HttpRequest, context: dict[str, Any], attachment: Attachment, chunks: Iterator[bytes]
) -> HttpResponseBase:
    """As an attachment of no type a browser would open, under a name that says nothing of the person: browsers keep
    the names of what they download."""
    response = StreamingHttpResponse(chunks, content_type="application/octet-stream")
    ending = ENDINGS.get(attachment.media_type, "bin")
    name = f"{attachment.case.reference}-{str(attachment.pk)[:8]}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(attachment.size_bytes)
    response["X-Content-Type-Options"] = "nosniff"
    return response


TALK_VERBS: Final[tuple[CaseVerb[Any], ...]] = (
    CaseVerb(
        "take",
        gettext_lazy("Assign to me"),
        "person",
        "cases.assign_case",
        due=_untaken,
        lead=gettext_lazy("Assigns this case to you. Its status and deadline do not change."),
        form=ConfirmForm,
        call=lambda case, actor, _said: assigning.assign(case, actor=actor, assignee=actor.user, seen=None),
        told=lambda _case, _result: _("The case is now assigned to you."),
    ),
    CaseVerb(
        "note",
        gettext_lazy("Add note"),
        "note",
        "cases.add_note",
        lead=gettext_lazy("Everyone with access to the case can read it. It becomes part of the record."),
        form=TalkForm,
        call=lambda case, actor, said: notes.add(case, said["text"], actor=actor),
        answer=_written,
    ),
    CaseVerb(
        "reply",
        gettext_lazy("Reply to a note"),
        "note",
        "cases.add_note",
        lead=gettext_lazy("Everyone with access to the case can read it. It becomes part of the record."),
        form=TalkForm,
        button=gettext_lazy("Reply"),
        template="portal/verbs/reply.html",
        on=Note,
        call=lambda note, actor, said: notes.add(note.case, said["text"], actor=actor, parent=note),
        answer=_written,
    ),
    CaseVerb(
        "attach",
        gettext_lazy("Attach file"),
        "attach",
        "cases.add_attachment",
        lead=gettext_lazy(
            "A letter, proof or anything else the requester sent. It is stored with the case unchanged."
        ),
        form=AttachForm,
        button=gettext_lazy("Attach"),
        call=lambda case, actor, said: attachments.attach(
            case, said["upload"], actor=actor, text=said["text"]
        ),
        told=lambda _case, _attachment: _("File attached."),
    ),
    CaseVerb(
        "attachment",
        gettext_lazy("Download file"),
        "download",
        "cases.download_attachment",
        lead=gettext_lazy(
            "The file leaves the portal unencrypted. Keep it only as long as you need it, and open it "
            "with care. The download is recorded in the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Download"),
        template="portal/verbs/attachment.html",
        on=Attachment,
        call=lambda attachment, actor, _said: attachments.download(attachment, actor=actor),
        answer=_given_out,
    ),
)
