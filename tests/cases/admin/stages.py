"""Cases at the stages of their life that the desk's verbs are about. Each needs a processor to be there."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import Attachment, AttentionKind, Case, ForwardingExtension, ProcessorRequest
from cases.services import attention, notes, progress, transition
from cases.services.dispatch import dispatch
from cases.services.files import attachments
from cases.services.person import email_links, identities
from cases.services.planning import approval
from dsrportal.sentence import Sentence
from integrations.models import Processor
from integrations.types import Identity
from tests.builders import actor, approved_case, manual, open_case, processor, ready_case
from tests.cases.admin.desk_users import account


def moved(to: str, **fields: Any) -> Case:
    """An approved case whose one request got so far."""
    return move(approved_case(), to, **fields)


def move(case: Case, to: str, **fields: Any) -> Case:
    with progress.locked(case.pk) as locked:
        request = ProcessorRequest.objects.select_related("processor").get(case=locked)
        request.case = locked
        reported = to in {RequestStatus.IN_PROGRESS, RequestStatus.COMPLETED}
        transition.move_request(request, to, actor=actor("agnes"), reported=reported, fields=fields)
        progress.settle(locked, actor=actor("agnes"))
    case.refresh_from_db()
    return case


def answered(answer: str, **fields: Any) -> Case:
    return moved(RequestStatus.COMPLETED, answer=answer, completed_at=timezone.now(), **fields)


def linked() -> Case:
    """Its person has a link by which to confirm their address."""
    case = open_case()
    with override_settings(MAIL_MISSING=[]):
        email_links.ask(case, actor=actor("agnes"), identity=case.subject.identities.get().pk)
    case.refresh_from_db()
    return case


def in_review() -> Case:
    return answered("done")


def failed() -> Case:
    return moved(RequestStatus.FAILED)


def denied() -> Case:
    return approval.deny(open_case(), actor=actor("pia"), reason="legal_obligation")


def with_item() -> Case:
    return with_open_item(approved_case(), AttentionKind.GONE, Sentence("It is gone."))


def with_open_item(case: Case, kind: AttentionKind, sentence: Sentence) -> Case:
    """Something about its request needs a decision."""
    with progress.locked(case.pk) as locked:
        attention.open_item(kind, sentence, actor=actor("agnes"), request=locked.requests.get())
        progress.settle(locked, actor=actor("agnes"))
    case.refresh_from_db()
    return case


def planned_twice() -> Case:
    """Two processors are asked, so that one can be left out."""
    manual()
    return ready_case()


def searching_processor(**more: Any) -> None:
    """One with every key that its kind has a use for; nothing answers at its address."""
    Processor.objects.all().delete()
    keys = ("workspace_key", "workspace_secret", "input_key", "input_secret")
    processor(credentials=dict.fromkeys(keys, "k"), **more)


def searchable() -> Case:
    """Its processor has the keys to search with, and does not answer."""
    searching_processor()
    return ready_case()


def held() -> Case:
    """An erasure that waits for the access case of the same verified person."""
    ready_case(type="access", identities=[("email", "held@example.org")])
    return approved_case(identities=[("email", "held@example.org")])


def with_task() -> Case:
    """Somebody works it by hand, and has begun."""
    archive = manual()
    case = approved_case()
    dispatch.drain(archive.pk)
    return case


def reappeared() -> Case:
    """An erased person whom a processor knows again."""
    return with_open_item(in_review(), AttentionKind.REAPPEARED, Sentence("Known again."))


def talked_about() -> Case:
    """A note that names Pia, an answer to it, and a file."""
    account("pia")
    case = ready_case()
    asked = notes.add(case, "Is this the one, @pia?", actor=actor("agnes")).note
    notes.add(case, "I think it is.", actor=actor("agnes"), parent=asked)
    attach(case)
    return case


def attach(case: Case, name: str = "Letter of Ada.pdf", content: bytes = b"%PDF-1.7 a letter") -> Attachment:
    return attachments.attach(case, SimpleUploadedFile(name, content), actor=actor("agnes"))


def give(case: Case, email: str, *, by: str) -> None:
    """Somebody adds an identity."""
    identities.change(case, actor=actor(by), add=[Identity("email", email)], remove=[])


def with_failed_partner() -> Case:
    case = approved_case()
    ForwardingExtension.objects.create(
        processor_request=case.requests.get(),
        domain="partner.example",
        name="Partner",
        status="failed",
        changed_at=timezone.now(),
    )
    return case
