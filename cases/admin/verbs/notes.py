"""Working a case together: taking it, writing about it, putting files with it. One row a verb."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.actor import Actor
from cases.admin.verbs import note_forms
from cases.admin.verbs.forms import ConfirmForm
from cases.admin.verbs.verb import Verb, on_a_part
from cases.lifecycle import CaseStatus
from cases.models import Attachment, Case, Note, ProcessorRequest
from cases.services import notes
from cases.services.files import attachments
from cases.services.files.file_types import ENDINGS
from cases.services.notes import Written
from cases.services.worklist import assigning


def _untaken(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    return case.status != CaseStatus.CLOSED and case.assignee_id is None


def _written(request: HttpRequest, context: dict[str, Any], case: Case, written: Written) -> HttpResponseBase:
    """Back to the case, at the note. What a name was is not repeated: it may be the person's."""
    messages.success(request, _("Your note is part of the case."))
    unknown = written.unknown_names
    if unknown:
        messages.warning(
            request,
            ngettext(
                "%(count)d name after an @ belongs to nobody who may see cases; it tells nobody.",
                "%(count)d names after an @ belong to nobody who may see cases; they tell nobody.",
                unknown,
            )
            % {"count": unknown},
        )
    page = reverse("admin:cases_case_change", args=[case.pk])
    return HttpResponseRedirect(f"{page}#note-{written.note.pk}")


def _given_out(
    request: HttpRequest,
    context: dict[str, Any],
    case: Case,
    result: tuple[Attachment, Iterator[bytes]],
) -> HttpResponseBase:
    """As an attachment of no type a browser would open, under a name that says nothing of the person: browsers keep
    the names of what they download."""
    attachment, chunks = result
    response = StreamingHttpResponse(chunks, content_type="application/octet-stream")
    ending = ENDINGS.get(attachment.media_type, "bin")
    name = f"{case.reference}-{str(attachment.pk)[:8]}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Content-Length"] = str(attachment.size_bytes)
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _download(_case: Case, actor: Actor, said: dict[str, Any]) -> tuple[Attachment, Iterator[bytes]]:
    attachment: Attachment = said["part"]
    return attachment, attachments.download(attachment, actor=actor)


TALK_VERBS: Final = (
    Verb(
        "take",
        gettext_lazy("Take it"),
        "person",
        "cases.assign_case",
        due=_untaken,
        lead=gettext_lazy("You work this case from now on. It changes neither its status nor its clock."),
        form=ConfirmForm,
        call=lambda case, actor, _said: assigning.assign(case, actor=actor, assignee=actor.user, seen=None),
        told=lambda _case: _("The case is yours now."),
    ),
    Verb(
        "note",
        gettext_lazy("Write a note"),
        "note",
        "cases.add_note",
        due=on_a_part,
        lead=gettext_lazy("Everyone who may see the case can read it. It is part of the record."),
        form=note_forms.TalkForm,
        call=lambda case, actor, said: notes.add(case, said["text"], actor=actor),
        answer=_written,
    ),
    Verb(
        "reply",
        gettext_lazy("Answer a note"),
        "note",
        "cases.add_note",
        due=on_a_part,
        lead=gettext_lazy("Everyone who may see the case can read it. It is part of the record."),
        form=note_forms.TalkForm,
        button=gettext_lazy("Answer"),
        template="portal/verbs/reply.html",
        on=Note,
        call=lambda case, actor, said: notes.add(case, said["text"], actor=actor, parent=said["part"]),
        answer=_written,
    ),
    Verb(
        "attach",
        gettext_lazy("Attach a file"),
        "attach",
        "cases.add_attachment",
        due=on_a_part,
        lead=gettext_lazy("A letter, a proof, what the person sent: it stays with the case as it came."),
        form=note_forms.AttachForm,
        button=gettext_lazy("Attach"),
        call=lambda case, actor, said: attachments.attach(
            case, said["upload"], actor=actor, text=said["text"]
        ),
        told=lambda _attachment: _("The file is with the case."),
    ),
    Verb(
        "attachment",
        gettext_lazy("Download the file"),
        "download",
        "cases.download_attachment",
        due=on_a_part,
        lead=gettext_lazy(
            "The file leaves the portal in clear: keep it no longer than you need it, and open it with care. The "
            "download goes into the audit trail."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Download"),
        template="portal/verbs/attachment.html",
        on=Attachment,
        call=_download,
        answer=_given_out,
    ),
)
