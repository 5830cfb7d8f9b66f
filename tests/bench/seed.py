"""Cases in bulk: opened, approved, and with one erasure request each, queued or already with the processor."""

from datetime import timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from cases.actor import Actor, Source
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Action, Case, DataSubject, ProcessorRequest, SubjectIdentity
from cases.services import audit
from dsrportal import crypto
from dsrportal.models import DataKey, User
from integrations.models import Processor

AT_ONCE = 500


def requests(processor: Processor, count: int, *, status: str) -> list[ProcessorRequest]:
    """`count` requests of as many people. Each case has its audit chain already, as a case that was opened has."""
    made: list[ProcessorRequest] = []
    while len(made) < count:
        with transaction.atomic():
            made += _some(processor, min(AT_ONCE, count - len(made)), status)
    return made


def _some(processor: Processor, count: int, status: str) -> list[ProcessorRequest]:
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
            approved_by=approver,
            approved_at=now,
            approval_digest="0" * 64,
        )
        for key, subject in zip(_keys(DataKey.Purpose.CASE, count), subjects, strict=True)
    )
    sent = status != RequestStatus.QUEUED
    made = ProcessorRequest.objects.bulk_create(
        ProcessorRequest(
            case=case,
            processor=processor,
            status=status,
            status_changed_at=now,
            queued_at=now,
            due_at=now + timedelta(days=30),
            sent_at=now if sent else None,
            attempts=int(sent),
            answered_attempts=int(sent),
        )
        for case in cases
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
