"""Opening a case."""

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import CaseStatus
from cases.models import Action, Case, DataSubject, SubjectIdentity
from cases.services import audit, clocks, planning
from cases.services.refusal import Refused
from dsrportal.crypto import blind_index
from dsrportal.models import DataKey
from integrations.types import Draft, Identity


def problems(
    *,
    type: str,
    regulation: str,
    received_at: datetime,
    identities: Sequence[Identity],
    skip_waiting_period: bool,
) -> list[str]:
    """Sentences on why such a case cannot be opened, each naming its rule; empty when it can."""
    found = []
    if received_at > timezone.now():
        found.append("“Received at” is in the future; the legal clock starts when the person asked.")
    if not identities:
        found.append("Give at least one identity: without one no processor can find the person.")
    seen = set()
    for identity in identities:
        key = blind_index(identity.type, identity.value)
        if key in seen:
            found.append("The same identity is given twice; keep one of the two.")
        seen.add(key)
    if skip_waiting_period and type != "erasure":
        found.append("Only an erasure has a waiting period to skip.")
    draft = Draft(
        request_type=type,
        regulation=regulation,
        identities=tuple(identities),
        skip_waiting_period=skip_waiting_period,
    )
    return found or planning.problems(draft)


def open_case(
    *,
    actor: Actor,
    type: str,
    regulation: str,
    received_at: datetime,
    identities: Sequence[Identity],
    skip_waiting_period: bool = False,
    group_name: str = "",
) -> Case:
    """Open a case with its person, encrypted identities and clock. Raises Refused with a sentence a rule."""
    refused = problems(
        type=type,
        regulation=regulation,
        received_at=received_at,
        identities=identities,
        skip_waiting_period=skip_waiting_period,
    )
    refused += _group_problems(group_name)
    if refused:
        raise Refused(*refused)
    if actor.user is None:
        raise Refused("A case is opened by a person.")
    with transaction.atomic():
        subject = DataSubject.objects.create(data_key=DataKey.make(DataKey.Purpose.SUBJECT))
        SubjectIdentity.objects.bulk_create(
            SubjectIdentity.of(subject, type=identity.type, value=identity.value, position=position)
            for position, identity in enumerate(identities)
        )
        case = Case.objects.create(
            reference=_next_reference(received_at),
            data_key=DataKey.make(DataKey.Purpose.CASE),
            subject=subject,
            type=type,
            regulation=regulation,
            received_at=received_at,
            skip_waiting_period=skip_waiting_period,
            group_name=group_name,
            status=CaseStatus.INTAKE,
            status_changed_at=timezone.now(),
            opened_by=actor.user,
            changed_by=actor.user,
        )
        audit.record(
            Action.CASE_OPENED,
            actor=actor,
            case=case,
            details={
                "type": str(type),
                "regulation": str(regulation),
                "received_at": received_at.isoformat(),
                "identities": len(identities),
                "skip_waiting_period": skip_waiting_period,
            },
        )
        clocks.start(case, actor=actor)
    return case


def _group_problems(name: str) -> list[str]:
    """A group's name goes out in addresses, so it is looked at here too, whoever opens the case."""
    field = Case._meta.get_field("group_name")
    try:
        field.run_validators(name)
    except ValidationError as error:
        return [f"Group: {message}" for message in error.messages]
    return []


def _next_reference(received_at: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cases_case_reference')")
        (number,) = cursor.fetchone()
    return f"DSR-{received_at.year}-{number:06d}"
