"""Asking a processor once more for what it has done: a new request, which takes the place of the old."""

from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import DERIVED, RequestStatus
from cases.models import AttentionItem, AttentionKind, ProcessorRequest
from cases.services import attention, notes, progress, transition
from cases.services.planning import tasks
from cases.services.processors import concurrency
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence

# What asking again is the remedy for.
REMEDIED = (AttentionKind.REAPPEARED, AttentionKind.RESULT_MISSED, AttentionKind.RESULT_IN_DOUBT)


def why_not(request: ProcessorRequest) -> Sentence | None:
    """Why a request cannot be sent anew, in a sentence; "" where it can."""
    if request.status != RequestStatus.COMPLETED:
        return Sentence("Only a completed request can be sent again.")
    items = AttentionItem.objects.filter(
        processor_request=request, kind__in=REMEDIED, resolved_at__isnull=True
    )
    if not items.exists():
        return Sentence("This request has no open item that sending it again would resolve.")
    return None


def resend(request: ProcessorRequest, *, actor: Actor, text: str = "") -> ProcessorRequest:
    """Send what was approved once more, to the same processor with the same identities, under a new id.

    Raises Refused where it cannot be sent again, Superseded where it was already.
    """
    with progress.locked(request.case_id) as case:
        old = (
            ProcessorRequest.objects.select_for_update(of=("self",))
            .select_related("processor")
            .get(pk=request.pk)
        )
        if case.status not in DERIVED:
            raise Refused(Sentence("The case is closed. Reopen it first."))
        sentence = why_not(old)
        if sentence:
            raise Refused(sentence)
        if ProcessorRequest.objects.filter(replaces=old).exists():
            raise Superseded(Sentence("This request has already been sent again."))
        note = notes.write(case, text, actor=actor)
        new = ProcessorRequest.objects.create(
            case=case,
            processor=old.processor,
            position=ProcessorRequest.objects.filter(case=case).count(),
            skip_waiting_period=old.skip_waiting_period,
            replaces=old,
            status=RequestStatus.PLANNED,
            status_changed_at=timezone.now(),
            due_at=old.due_at,
        )
        new.identities.set(old.identities.all())
        if tasks.by_hand(old.processor):
            tasks.make(new, actor=actor)
        transition.move_request(
            new, RequestStatus.QUEUED, actor=actor, note=note, fields={"queued_at": timezone.now()}
        )
        attention.resolve_all(*REMEDIED, actor=actor, resolution="sent_again", request=old)
        progress.settle(case, actor=actor)
        concurrency.wake(new.processor_id)
    return new
