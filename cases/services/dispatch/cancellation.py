"""Cancels requests at processors while they are pending."""

from typing import Final

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import RequestStatus
from cases.models import Action, AttentionKind, Case, ProcessorRequest
from cases.services import attention, audit, notes, progress, transition, versions
from cases.services.exclusion import Exclusion
from cases.services.planning import erasure_hold
from cases.services.processors import concurrency
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence

# One that has failed was refused: whoever will not try it again gives it up.
CANCELLABLE = frozenset({RequestStatus.QUEUED, RequestStatus.PENDING, RequestStatus.FAILED})
# Requests that may still be cancelled and for which nobody has asked it yet.
PENDING: Final = Q(status__in=sorted(CANCELLABLE), cancel_requested_at=None)
# Cases in which `cancel` finds none of them.
NOTHING_TO_CANCEL: Final = Exclusion(
    "nothing_to_cancel", Q(~Exists(ProcessorRequest.objects.filter(PENDING, case=OuterRef("pk"))))
)

# mParticle forwards on receipt, not after the waiting period (docs: integrations, forwarding-dsr).
PARTNERS_WARNING = Sentence(
    "Partners that were already notified are not recalled. Forwarding starts when the processor "
    "receives the request."
)


def cancellable(case: Case) -> list[ProcessorRequest]:
    """Requests that may still be cancelled and for which nobody has asked it yet."""
    return list(
        ProcessorRequest.objects.filter(PENDING, case=case).select_related("processor").order_by("pk")
    )


def cancel(case: Case, *, actor: Actor, text: str = "") -> int:
    """Cancel what can be; how many. A request never sent is cancelled at once, the others when the processor says so.

    Raises Refused where nothing is pending any more.
    """
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.SENDING)
        requests = cancellable(locked)
        if not requests:
            raise Refused(
                Sentence(
                    "There is nothing to cancel. Only requests that are queued, pending or failed can "
                    "be cancelled."
                )
            )
        note = notes.write(locked, text, actor=actor)
        for request in requests:
            request.case = locked
            audit.of_request(Action.CANCEL_REQUESTED, request, actor=actor, note=note)
            if not _cancelled_unsent(request, actor=actor):
                ProcessorRequest.objects.filter(pk=request.pk).update(
                    cancel_requested_at=timezone.now(), next_attempt_at=None
                )
                concurrency.wake(request.processor_id)
        if not ProcessorRequest.objects.filter(case=locked, status=RequestStatus.QUEUED).exists():
            erasure_hold.end(locked, actor=actor)
        progress.settle(locked, actor=actor)
        return len(requests)


def _cancelled_unsent(request: ProcessorRequest, *, actor: Actor) -> bool:
    """Cancel one that is not there: refused, or queued and claimed by no lane. The lock keeps one from claiming it."""
    if request.status == RequestStatus.FAILED:
        transition.move_request(request, RequestStatus.CANCELLED, actor=actor)
        attention.resolve_all(AttentionKind.REFUSED, actor=actor, resolution="cancelled", request=request)
        return True
    unclaimed = (
        ProcessorRequest.objects.select_for_update()
        .filter(pk=request.pk, status=RequestStatus.QUEUED, attempts=0, lease_until=None)
        .exists()
    )
    if unclaimed:
        transition.move_request(request, RequestStatus.CANCELLED, actor=actor)
    return unclaimed
