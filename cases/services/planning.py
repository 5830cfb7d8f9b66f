"""The plan of a case: one request per processor, split where one request cannot hold the identities."""

import hashlib
from dataclasses import dataclass

import rfc8785
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import RequestStatus
from cases.models import Action, Case, Clock, ClockKind, ProcessorRequest, SubjectIdentity
from cases.services import audit
from cases.services.refusal import Refused
from integrations.connector import Capability
from integrations.models import Processor
from integrations.registry import KINDS, connector_class, connector_for
from integrations.types import Draft, Identity

NO_PROCESSOR = (
    "No processor is set up that can serve this type of request; an integration manager can add one."
)
NO_KIND = (
    "The portal cannot carry out this type of request yet: work it by hand, and keep its deadline yourself."
)


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    processor: Processor
    identities: tuple[Identity, ...]


def candidates(request_type: str) -> list[Processor]:
    """Processors that can serve this type. A paused one counts: its requests wait."""
    return [
        processor
        for processor in Processor.objects.order_by("name")
        if Capability(request_type) in connector_class(processor.kind).capabilities
    ]


def problems(draft: Draft) -> list[str]:
    """Sentences on what no request of any candidate can hold."""
    processors = candidates(draft.request_type)
    if not processors:
        known = any(Capability(draft.request_type) in connector_class(kind).capabilities for kind in KINDS)
        return [NO_PROCESSOR if known else NO_KIND]
    found: list[str] = []
    for processor in processors:
        found += [sentence for sentence in connector_for(processor).check(draft) if sentence not in found]
    return found


def preview(draft: Draft) -> list[PlannedRequest]:
    """What the plan would be: for telling an agent that a case needs two requests, and why."""
    return [
        PlannedRequest(processor, identities)
        for processor in candidates(draft.request_type)
        for identities in connector_for(processor).split(draft)
    ]


def plan(case: Case, *, actor: Actor) -> list[ProcessorRequest]:
    """Plan a locked case that has no requests yet. Raises Refused where nothing can be planned."""
    stored = SubjectIdentity.objects.filter(subject=case.subject_id).select_related("subject__data_key")
    by_value = {Identity(identity.type, identity.value): identity for identity in stored}
    draft = Draft(
        request_type=case.type,
        regulation=case.regulation,
        identities=tuple(by_value),
        skip_waiting_period=case.skip_waiting_period,
    )
    refused = problems(draft)
    if refused:
        raise Refused(*refused)
    due_at = Clock.objects.values_list("due_at", flat=True).get(case=case, kind=ClockKind.RESPONSE)
    requests = []
    for position, planned in enumerate(preview(draft)):
        request = ProcessorRequest.objects.create(
            case=case,
            processor=planned.processor,
            position=position,
            skip_waiting_period=case.skip_waiting_period,
            status=RequestStatus.PLANNED,
            status_changed_at=timezone.now(),
            due_at=due_at,
        )
        request.identities.set(by_value[identity] for identity in planned.identities)
        requests.append(request)
    audit.record(
        Action.CASE_PLANNED,
        actor=actor,
        case=case,
        details={
            "requests": len(requests),
            "request_ids": [str(request.pk) for request in requests],
            "processors": sorted({request.processor.name for request in requests}),
        },
    )
    return requests


def digest(case: Case) -> str:
    """SHA-256 (hex) over the plan and the identities: what exactly an approver approves."""
    requests = [
        {
            "request": str(request.pk),
            "processor": str(request.processor_id),
            "skip_waiting_period": request.skip_waiting_period,
            "identities": sorted(
                f"{identity.pk}:{bytes(identity.blind_index).hex()}" for identity in request.identities.all()
            ),
        }
        for request in ProcessorRequest.objects.filter(case=case, status=RequestStatus.PLANNED)
        .prefetch_related("identities")
        .order_by("pk")
    ]
    content = {"case": case.reference, "type": case.type, "regulation": case.regulation, "requests": requests}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()  # type: ignore[arg-type]
