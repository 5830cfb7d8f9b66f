"""The plan of a case: what is asked of which processor, what is left out and why, and the changes to it.

One request for each processor that can serve the case, split where one cannot hold the identities. Processors that
cannot serve it are part of the plan too, with the reason: whoever approves approves that nothing is asked there.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, RequestStatus
from cases.models import (
    Action,
    Case,
    Clock,
    ClockKind,
    Correction,
    ProcessorRequest,
    SkippedProcessor,
    SubjectIdentity,
)
from cases.services import audit
from cases.services.planning import tasks
from cases.services.refusal import Refused
from dsrportal import queueing
from dsrportal.canonical import canonical_json
from dsrportal.sentence import Sentence, Word
from integrations import types
from integrations.connector import Capability
from integrations.models import Processor
from integrations.registry import KINDS, connector_class, connector_for
from integrations.types import Draft, Identity, RequestType

NO_PROCESSOR = Sentence("No processor supports this type of request. An integration manager can add one.")
NO_KIND = Sentence(
    "The portal cannot carry out this type of request yet. Process it manually and monitor the deadline "
    "yourself."
)
# Why a person leaves a processor out.
LEFT_OUT_REASONS = {
    "no_data_there": Sentence("It holds no data on this person"),
    "answered_otherwise": Sentence("It is contacted in another way"),
    "exception_applies": Sentence("A legal exception applies to it"),
    "person_limited": Sentence("The requester asked about other systems only"),
}


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    processor: Processor
    identities: tuple[Identity, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """A processor that is asked nothing, and why. `by` is the key of the person who left it out, None for none."""

    processor: Processor
    sentence: Sentence
    by: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    requests: list[PlannedRequest] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    # What an approver should know of it.
    warnings: list[Sentence] = field(default_factory=list)


def all_processors() -> list[Processor]:
    """Every processor there is, to be asked about many drafts without being fetched for each."""
    return list(Processor.objects.select_related("data_key").order_by("name"))


def candidates(request_type: str, *, among: Sequence[Processor] | None = None) -> list[Processor]:
    """Processors whose kind can serve this type, but for those that are asked on demand alone.

    A paused one counts: its requests wait. `among` are all processors, where they are known already.
    """
    return [
        processor
        for processor in (all_processors() if among is None else among)
        if serves(processor, request_type) and not connector_for(processor).on_demand
    ]


def serves(processor: Processor, request_type: str) -> bool:
    return Capability(request_type) in connector_class(processor.kind).capabilities


def problems(draft: Draft, *, among: Sequence[Processor] | None = None) -> list[Sentence]:
    """Sentences on why such a case cannot be opened: what must be put right in it, or that nobody can serve it."""
    processors = candidates(draft.request_type, among=among)
    if not processors:
        known = any(Capability(draft.request_type) in connector_class(kind).capabilities for kind in KINDS)
        return [NO_PROCESSOR if known else NO_KIND]
    able, skipped = [], []
    for processor in processors:
        connector = connector_for(processor)
        sentence = connector.cannot(draft)
        if sentence:
            skipped.append(sentence)
        else:
            able.append(connector)
    found = _once(sentence for connector in able for sentence in connector.check(draft))
    return found if able else _once(skipped)


def preview(draft: Draft, *, left_out: Mapping[UUID, Skip] | None = None) -> Plan:
    """What the plan is: every processor is asked something, or skipped with a reason."""
    plan = Plan()
    for processor in Processor.objects.select_related("data_key").order_by("name"):
        connector = connector_for(processor)
        if connector.on_demand:
            continue
        skip = (left_out or {}).get(processor.pk)
        sentence = _cannot_serve(processor, draft)
        if sentence:
            plan.skips.append(Skip(processor, sentence))
        elif skip is not None:
            plan.skips.append(skip)
        else:
            plan.requests.extend(PlannedRequest(processor, found) for found in connector.split(draft))
            plan.warnings.extend(each for each in connector.warn(draft) if each not in plan.warnings)
    return plan


def _cannot_serve(processor: Processor, draft: Draft) -> Sentence | None:
    if not serves(processor, draft.request_type):
        what = Word(RequestType(draft.request_type).label)
        return Sentence(
            "%(processor)s does not support this type (%(what)s).", processor=processor.name, what=what
        )
    return connector_for(processor).cannot(draft)


def _once(sentences: Iterable[Sentence]) -> list[Sentence]:
    return list(dict.fromkeys(sentences))


def draft_of(case: Case, *, known: Iterable[SubjectIdentity] | None = None) -> Draft:
    """The case as a draft, its identities in clear. Raises dsrportal.crypto.Unreadable where they cannot be opened.

    `known` are its identities in their order, where they are at hand.
    """
    if known is not None:
        return _draft(case, {Identity(row.type, row.value): row for row in known})
    return _draft(case, _stored(case))


def _stored(case: Case) -> dict[Identity, SubjectIdentity]:
    rows = SubjectIdentity.objects.filter(subject=case.subject_id).select_related("subject__data_key")
    return {Identity(row.type, row.value): row for row in rows}


def _draft(case: Case, stored: Mapping[Identity, SubjectIdentity]) -> Draft:
    corrections: tuple[types.Correction, ...] = ()
    if case.type == RequestType.CORRECTION:
        rows = Correction.objects.filter(identity__subject=case.subject_id)
        corrections = tuple(
            types.Correction(row.identity.type, row.identity.value, row.new_value)
            for row in rows.select_related("identity__subject__data_key").order_by("identity__position")
        )
    return Draft(
        request_type=case.type,
        regulation=case.regulation,
        identities=tuple(stored),
        skip_waiting_period=case.skip_waiting_period,
        purposes=tuple(case.purposes),
        corrections=corrections,
    )


def plan(case: Case, *, actor: Actor, action: Action = Action.CASE_PLANNED) -> list[ProcessorRequest]:
    """Plan a locked case that has no requests yet, or whose plan was dropped; what a person left out stays left out.

    Raises Refused where nothing can be planned.
    """
    stored = _stored(case)
    draft = _draft(case, stored)
    kept = {
        skip.processor_id: Skip(skip.processor, skip.sentence, skip.skipped_by_id, skip.reason)
        for skip in case.skipped_processors.filter(skipped_by__isnull=False).select_related("processor")
    }
    refused = problems(draft)
    planned = preview(draft, left_out=kept)
    if not planned.requests:
        refused = refused or [
            Sentence("The plan must include at least one processor. Otherwise, close the case.")
        ]
    if refused:
        raise Refused(*refused)
    requests = [
        _store(case, each, [stored[identity] for identity in each.identities], position=position)
        for position, each in enumerate(planned.requests, start=_positions_taken(case))
    ]
    case.skipped_processors.all().delete()
    SkippedProcessor.objects.bulk_create(
        SkippedProcessor(
            case=case,
            processor=skip.processor,
            reason=skip.reason,
            sentence=skip.sentence,
            skipped_by_id=skip.by,
        )
        for skip in planned.skips
    )
    audit.record(
        action,
        actor=actor,
        case=case,
        details={
            "requests": len(requests),
            "request_ids": [str(request.pk) for request in requests],
            "processors": sorted({request.processor.name for request in requests}),
            "skipped": len(planned.skips),
            "skipped_processors": sorted(skip.processor.name for skip in planned.skips),
        },
    )
    for request in requests:
        if tasks.by_hand(request.processor):
            tasks.make(request, actor=actor)
    if case.type not in UNVERIFIED_TYPES:
        queueing.wake("cases.jobs.preview", str(case.pk))
    return requests


def _store(
    case: Case, planned: PlannedRequest, identities: list[SubjectIdentity], *, position: int
) -> ProcessorRequest:
    request = ProcessorRequest.objects.create(
        case=case,
        processor=planned.processor,
        position=position,
        skip_waiting_period=case.skip_waiting_period,
        status=RequestStatus.PLANNED,
        status_changed_at=timezone.now(),
        due_at=due_at(case),
    )
    request.identities.set(identities)
    return request


def due_at(case: Case) -> datetime:
    """When the law wants the case answered: the order in which its requests leave."""
    found: datetime = Clock.objects.values_list("due_at", flat=True).get(case=case, kind=ClockKind.RESPONSE)
    return found


def _positions_taken(case: Case) -> int:
    return ProcessorRequest.objects.filter(case=case).count()


def standing_requests(case: Case) -> list[ProcessorRequest]:
    """What is planned and not yet approved, in the order of the plan."""
    return list(
        ProcessorRequest.objects.filter(case=case, status=RequestStatus.PLANNED)
        .select_related("processor")
        .prefetch_related("identities")
        .order_by("position", "pk")
    )


def digest(case: Case) -> str:
    """SHA-256 (hex) over all that an approver approves: requests, identities, corrections, purposes and skips."""
    requests = [
        {
            "request": str(request.pk),
            "processor": str(request.processor_id),
            # Some decide what is done there: whether a user is deleted or blocked, by which identity it is known.
            "account": request.processor.account,
            "options": request.processor.options,
            "skip_waiting_period": request.skip_waiting_period,
            "identities": sorted(
                f"{identity.pk}:{bytes(identity.blind_index).hex()}" for identity in request.identities.all()
            ),
        }
        for request in sorted(standing_requests(case), key=lambda request: request.pk)
    ]
    corrections = Correction.objects.filter(identity__subject=case.subject_id).values_list(
        "identity", "blind_index"
    )
    skips = case.skipped_processors.values_list("processor", "sentence")
    content = {
        "case": case.reference,
        "type": case.type,
        "regulation": case.regulation,
        "group": case.group_name,
        "purposes": sorted(case.purposes),
        "requests": requests,
        "corrections": sorted(f"{identity}:{bytes(index).hex()}" for identity, index in corrections),
        "skips": sorted(f"{processor}:{sentence.english}" for processor, sentence in skips),
    }
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
