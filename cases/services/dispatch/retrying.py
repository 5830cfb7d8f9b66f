"""Queues failed requests again, each under its own id."""

from cases.actor import Actor
from cases.lifecycle import RequestStatus
from cases.models import Action, AttentionKind, Case, ProcessorRequest
from cases.services import attention, progress, transition, versions
from cases.services.processors import concurrency
from cases.services.refusal import Refused
from dsrportal.sentence import Sentence


def retry(case: Case, *, actor: Actor) -> int:
    """Queue the case's failed requests again, each under its own id; how many. Raises Refused where none failed."""
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.SENDING)
        failed = list(
            ProcessorRequest.objects.filter(
                case=locked, status=RequestStatus.FAILED, replaced_by__isnull=True
            )
            .select_related("processor")
            .order_by("pk")
        )
        if not failed:
            raise Refused(Sentence("No request of this case has failed."))
        for request in failed:
            request.case = locked
            transition.move_request(
                request,
                RequestStatus.QUEUED,
                actor=actor,
                action=Action.REQUEST_RETRIED,
                # It was refused, so its slot was never used; a full group may be why.
                fields={"next_attempt_at": None, "last_error": "", "group": None},
            )
            attention.resolve_all(AttentionKind.REFUSED, actor=actor, resolution="retried", request=request)
            concurrency.wake(request.processor_id)
        progress.settle(locked, actor=actor)
        return len(failed)
