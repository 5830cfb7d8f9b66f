"""Opening a case."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus
from cases.models import Action, Case, Correction, DataSubject, SubjectIdentity
from cases.services import approval, audit, clocks, planning
from cases.services.refusal import Refused
from dsrportal.crypto import blind_index
from dsrportal.models import DataKey
from dsrportal.wording import Wording
from integrations import types
from integrations.types import Draft, Identity, Regulation, RequestType


def problems(
    *,
    type: str,
    regulation: str,
    received_at: datetime,
    identities: Sequence[Identity],
    skip_waiting_period: bool,
    purposes: Sequence[str] = (),
    corrections: Sequence[types.Correction] = (),
) -> list[str]:
    """Sentences on why such a case cannot be opened, each naming its rule; empty when it can."""
    found: list[str] = []
    if received_at > timezone.now():
        found.append(Wording("“Received at” is in the future; the legal clock starts when the person asked."))
    if not identities:
        found.append(Wording("Give at least one identity: without one no processor can find the person."))
    seen = set()
    for identity in identities:
        key = blind_index(identity.type, identity.value)
        if key in seen:
            found.append(Wording("The same identity is given twice; keep one of the two."))
        seen.add(key)
    if skip_waiting_period and type != RequestType.ERASURE:
        found.append(Wording("Only an erasure has a waiting period to skip."))
    draft = Draft(
        request_type=type,
        regulation=regulation,
        identities=tuple(identities),
        skip_waiting_period=skip_waiting_period,
        purposes=tuple(purposes),
        corrections=tuple(corrections),
    )
    found += _of_type(draft)
    return found or planning.problems(draft)


def _of_type(draft: Draft) -> list[str]:
    """What an opt-out or a correction must say, and others must not."""
    found: list[str] = []
    if draft.request_type == RequestType.CORRECTION:
        known = {(identity.type, identity.value) for identity in draft.identities}
        if not draft.corrections:
            found.append(Wording("Say what is to be corrected: give at least one identity its new value."))
        corrected = {(each.type, each.old_value) for each in draft.corrections}
        if len(corrected) < len(draft.corrections):
            found.append(Wording("Give each identity that is to be corrected one new value."))
        if any((each.type, each.old_value) not in known for each in draft.corrections):
            found.append(Wording("What is to be corrected must be among the identities."))
        if any(not each.new_value.strip() or each.new_value == each.old_value for each in draft.corrections):
            found.append(Wording("A correction needs a new value that differs from the old one."))
    elif draft.corrections:
        found.append(Wording("Only a correction has new values."))
    names_purposes = draft.request_type == RequestType.OPT_OUT and draft.regulation == Regulation.GDPR
    if names_purposes and not draft.purposes:
        found.append(Wording("Say for which purposes the person takes back consent."))
    if draft.purposes and not names_purposes:
        found.append(Wording("Only an opt-out under the GDPR names purposes."))
    return found


def open_case(
    *,
    actor: Actor,
    type: str,
    regulation: str,
    received_at: datetime,
    identities: Sequence[Identity],
    skip_waiting_period: bool = False,
    group_name: str = "",
    purposes: Sequence[str] = (),
    corrections: Sequence[types.Correction] = (),
) -> Case:
    """Open a case with its person, encrypted identities and clock; an opt-out is planned and sent at once.

    Raises Refused with a sentence a rule.
    """
    refused = problems(
        type=type,
        regulation=regulation,
        received_at=received_at,
        identities=identities,
        skip_waiting_period=skip_waiting_period,
        purposes=purposes,
        corrections=corrections,
    )
    refused += _group_problems(group_name)
    if refused:
        raise Refused(*refused)
    if actor.user is None:
        raise Refused(Wording("A case is opened by a person."))
    with transaction.atomic():
        subject = DataSubject.objects.create(data_key=DataKey.make(DataKey.Purpose.SUBJECT))
        rows = SubjectIdentity.objects.bulk_create(
            SubjectIdentity.of(subject, type=identity.type, value=identity.value, position=position)
            for position, identity in enumerate(identities)
        )
        _correct(dict(zip(identities, rows, strict=True)), corrections)
        case = Case.objects.create(
            reference=_next_reference(received_at),
            data_key=DataKey.make(DataKey.Purpose.CASE),
            subject=subject,
            type=type,
            regulation=regulation,
            received_at=received_at,
            skip_waiting_period=skip_waiting_period,
            group_name=group_name,
            purposes=list(purposes),
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
        if case.type in UNVERIFIED_TYPES:
            approval.queue_unapproved(case, actor=actor)
    return case


def _correct(rows: Mapping[Identity, SubjectIdentity], corrections: Sequence[types.Correction]) -> None:
    Correction.objects.bulk_create(
        Correction(
            identity=rows[Identity(each.type, each.old_value)],
            new_value=each.new_value,
            blind_index=blind_index(each.type, each.new_value),
        )
        for each in corrections
    )


def _group_problems(name: str) -> list[str]:
    """A group's name goes out in addresses, so it is looked at here too, whoever opens the case."""
    field = Case._meta.get_field("group_name")
    try:
        field.run_validators(name)
    except ValidationError as error:
        return [Wording("Group: %(message)s", message=message) for message in error.messages]
    return []


def _next_reference(received_at: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cases_case_reference')")
        (number,) = cursor.fetchone()
    return f"DSR-{received_at.year}-{number:06d}"
