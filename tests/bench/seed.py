"""Cases in bulk: opened, approved, and with one erasure request each, queued or already with the processor."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from cases.actor import Actor, Source
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import (
    Action,
    Case,
    DataSubject,
    ForwardingExtension,
    ProcessorRequest,
    RequestGroup,
    SubjectIdentity,
    VerificationMethod,
)
from cases.services import audit
from dsrportal import crypto
from dsrportal.models import DataKey, User
from integrations.models import Processor

AT_ONCE = 500


def requests(processor: Processor, count: int, *, status: str, **more: object) -> list[ProcessorRequest]:
    """`count` requests of as many people, with `more` fields as told. Each case has its audit chain already, as a case
    that was opened has."""
    made: list[ProcessorRequest] = []
    while len(made) < count:
        with transaction.atomic():
            made += _some(processor, min(AT_ONCE, count - len(made)), status, more)
    return made


def groups(
    processor: Processor, count: int, *, size: int, partners: Sequence[Mapping[str, str]], **more: object
) -> Iterator[list[ProcessorRequest]]:
    """Requests in flight, a full group at a time, and all of them forwarded to these partners already."""
    for first in range(0, count, size):
        members = min(size, count - first)
        group = RequestGroup.objects.create(processor=processor, name=uuid4().hex, size=members)
        made = requests(processor, members, status=RequestStatus.PENDING, group=group, **more)
        ForwardingExtension.objects.bulk_create(
            ForwardingExtension(
                processor_request=request,
                domain=partner["domain"],
                name=partner["name"],
                status=partner["status"],
                raw_status=partner["status"],
                message=partner["status_message"] or "",
                changed_at=timezone.now(),
            )
            for request in made
            for partner in partners
        )
        yield made


def _some(processor: Processor, count: int, status: str, more: dict[str, object]) -> list[ProcessorRequest]:
    agent, approver = (User.objects.get_or_create(username=name)[0] for name in ("agnes", "pia"))
    now = timezone.now()
    subjects = DataSubject.objects.bulk_create(
        DataSubject(data_key=key) for key in _keys(DataKey.Purpose.SUBJECT, count)
    )
    identities = SubjectIdentity.objects.bulk_create(
        SubjectIdentity.of(subject, type="email", value=f"{uuid4().hex}@example.org", position=0)
        for subject in subjects
    )
    cases = Case.objects.bulk_create(
        Case(
            reference=f"B-{uuid4().hex[:16]}",
            data_key=key,
            subject=subject,
            type="erasure",
            regulation="gdpr",
            received_at=now - timedelta(hours=2),
            status=CaseStatus.WORKING,
            status_changed_at=now,
            opened_by=agent,
            changed_by=agent,
            verified_by=agent,
            verified_at=now,
            verification_method=VerificationMethod.MATCHED_DATA,
            approved_by=approver,
            approved_at=now,
            approval_digest="0" * 64,
        )
        for key, subject in zip(_keys(DataKey.Purpose.CASE, count), subjects, strict=True)
    )
    sent = status != RequestStatus.QUEUED
    fields = {
        "processor": processor,
        "status": status,
        "status_changed_at": now,
        "queued_at": now,
        "due_at": now + timedelta(days=30),
        "sent_at": now if sent else None,
        "attempts": int(sent),
        "answered_attempts": int(sent),
    }
    made = ProcessorRequest.objects.bulk_create(
        ProcessorRequest(case=case, **(fields | more)) for case in cases
    )
    links = ProcessorRequest.identities.through
    links.objects.bulk_create(
        links(processorrequest_id=request.pk, subjectidentity_id=identity.pk)
        for request, identity in zip(made, identities, strict=True)
    )
    actor = Actor(Source.ADMIN, user=agent, address="192.0.2.7")
    for case in cases:
        audit.record(Action.CASE_OPENED, actor=actor, case=case, details={"type": "erasure"})
    return made


def _keys(purpose: str, count: int) -> list[DataKey]:
    rows = []
    for _ in range(count):
        row_id = uuid4()
        wrapped, master = crypto.wrap(row_id, purpose, crypto.new_key())
        rows.append(DataKey(id=row_id, purpose=purpose, wrapped=wrapped, master_key_id=master))
    return DataKey.objects.bulk_create(rows)
