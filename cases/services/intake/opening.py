"""Opening a case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus
from cases.models import Action, Case, Correction, DataSubject, IntakeSource, SubjectIdentity
from cases.services import audit, clocks
from cases.services.planning import approval, planning
from cases.services.refusal import Refused
from dsrportal import bulk_insert
from dsrportal.crypto import blind_index, normalise
from dsrportal.models import DataKey, User
from dsrportal.sentence import Sentence
from integrations import types
from integrations.models import Processor
from integrations.types import Draft, Identity, Regulation, RequestType

# The year the GDPR began to apply: an earlier year is a slip.
FIRST_YEAR: Final = 2018


@dataclass(frozen=True, slots=True)
class Asked:
    """What one person asked of us, before it is a case."""

    type: str
    regulation: str
    received_at: datetime
    identities: tuple[Identity, ...]
    skip_waiting_period: bool = False
    group_name: str = ""
    purposes: tuple[str, ...] = ()
    corrections: tuple[types.Correction, ...] = ()


def problems(
    *,
    type: str,
    regulation: str,
    received_at: datetime,
    identities: Sequence[Identity],
    skip_waiting_period: bool,
    purposes: Sequence[str] = (),
    corrections: Sequence[types.Correction] = (),
    group_name: str = "",
    among: Sequence[Processor] | None = None,
) -> list[Sentence]:
    """Sentences on why such a case cannot be opened, each naming its rule; empty when it can.

    `among` are all processors, where they are known already: whoever asks about many cases fetches them once.
    """
    found: list[Sentence] = []
    if received_at > timezone.now():
        found.append(
            Sentence("“Received at” is in the future; the legal clock starts when the person asked.")
        )
    if not identities:
        found.append(Sentence("Give at least one identity: without one no processor can find the person."))
    seen = set()
    for identity in identities:
        key = identity.type, normalise(identity.type, identity.value)
        if key in seen:
            found.append(Sentence("The same identity is given twice; keep one of the two."))
        seen.add(key)
    if skip_waiting_period and type != RequestType.ERASURE:
        found.append(Sentence("Only an erasure has a waiting period to skip."))
    draft = Draft(
        request_type=type,
        regulation=regulation,
        identities=tuple(identities),
        skip_waiting_period=skip_waiting_period,
        purposes=tuple(purposes),
        corrections=tuple(corrections),
    )
    found += _of_type(draft)
    found = found or planning.problems(draft, among=among)
    return found + _group_problems(group_name)


def _of_type(draft: Draft) -> list[Sentence]:
    """What an opt-out or a correction must say, and others must not."""
    found: list[Sentence] = []
    if draft.request_type == RequestType.CORRECTION:
        known = {(identity.type, identity.value) for identity in draft.identities}
        if not draft.corrections:
            found.append(Sentence("Say what is to be corrected: give at least one identity its new value."))
        corrected = {(each.type, each.old_value) for each in draft.corrections}
        if len(corrected) < len(draft.corrections):
            found.append(Sentence("Give each identity that is to be corrected one new value."))
        if any((each.type, each.old_value) not in known for each in draft.corrections):
            found.append(Sentence("What is to be corrected must be among the identities."))
        if any(not each.new_value.strip() or each.new_value == each.old_value for each in draft.corrections):
            found.append(Sentence("A correction needs a new value that differs from the old one."))
    elif draft.corrections:
        found.append(Sentence("Only a correction has new values."))
    names_purposes = draft.request_type == RequestType.OPT_OUT and draft.regulation == Regulation.GDPR
    if names_purposes and not draft.purposes:
        found.append(Sentence("Say for which purposes the person takes back consent."))
    if draft.purposes and not names_purposes:
        found.append(Sentence("Only an opt-out under the GDPR names purposes."))
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
    through: IntakeSource | None = None,
) -> Case:
    """Open a case with its person, encrypted identities and clock; an opt-out is planned and sent at once.

    It is opened by a person, or `through` a form of our own. Raises Refused with a sentence a rule.
    """
    refused = problems(
        type=type,
        regulation=regulation,
        received_at=received_at,
        identities=identities,
        skip_waiting_period=skip_waiting_period,
        purposes=purposes,
        corrections=corrections,
        group_name=group_name,
    )
    if refused:
        raise Refused(*refused)
    asked = Asked(
        type=type,
        regulation=regulation,
        received_at=received_at,
        identities=tuple(identities),
        skip_waiting_period=skip_waiting_period,
        group_name=group_name,
        purposes=tuple(purposes),
        corrections=tuple(corrections),
    )
    (case,) = open_all([asked], actor=actor, through=through)
    return case


def open_all(
    asked: Sequence[Asked],
    *,
    actor: Actor,
    through: IntakeSource | None = None,
    details: audit.Details | None = None,
    prepared_by: User | None = None,
) -> list[Case]:
    """Open the case of each, in this order, all or none: `problems` found nothing wrong with any of them.

    `details` are added to each event that a case was opened. `prepared_by` is who wrote what is asked, where that is
    somebody else than who opens it: neither can approve what takes a second person. What every case has is written for
    all at once; an opt-out is then planned and sent by itself. Raises Refused where that cannot be planned after all.
    """
    if (actor.user is None) == (through is None):
        raise Refused(Sentence("A case is opened by a person, or through an intake source."))
    with transaction.atomic():
        keys = DataKey.make_many(DataKey.Purpose.SUBJECT, len(asked))
        subjects = bulk_insert.insert(DataSubject, [DataSubject(data_key=key) for key in keys])
        _identify(subjects, asked)
        cases = bulk_insert.insert(
            Case, list(_cases(subjects, asked, by=actor.user, prepared_by=prepared_by, through=through))
        )
        audit.record_many(
            (
                _opened(case, identities=len(each.identities), more=details or {})
                for case, each in zip(cases, asked, strict=True)
            ),
            actor=actor,
        )
        clocks.start(cases, actor=actor)
        for case in cases:
            if case.type in UNVERIFIED_TYPES:
                approval.queue_unapproved(case, actor=actor)
    return cases


def _identify(subjects: Sequence[DataSubject], asked: Sequence[Asked]) -> None:
    """Store who they are, and what shall be corrected of it."""
    identities: list[SubjectIdentity] = []
    corrections: list[Correction] = []
    for subject, each in zip(subjects, asked, strict=True):
        rows = {
            identity: SubjectIdentity.of(subject, type=identity.type, value=identity.value, position=position)
            for position, identity in enumerate(each.identities)
        }
        identities += rows.values()
        corrections += [
            Correction(
                identity=rows[Identity(correction.type, correction.old_value)],
                new_value=correction.new_value,
                blind_index=blind_index(correction.type, correction.new_value),
            )
            for correction in each.corrections
        ]
    bulk_insert.insert(SubjectIdentity, identities)
    bulk_insert.insert(Correction, corrections)


def _cases(
    subjects: Sequence[DataSubject],
    asked: Sequence[Asked],
    *,
    by: User | None,
    prepared_by: User | None,
    through: IntakeSource | None,
) -> Iterator[Case]:
    keys = DataKey.make_many(DataKey.Purpose.CASE, len(asked))
    numbers = _next_numbers(len(asked))
    for subject, each, key, number in zip(subjects, asked, keys, numbers, strict=True):
        yield Case(
            reference=f"DSR-{each.received_at.year}-{number:06d}",
            data_key=key,
            subject=subject,
            type=each.type,
            regulation=each.regulation,
            received_at=each.received_at,
            skip_waiting_period=each.skip_waiting_period,
            group_name=each.group_name,
            purposes=list(each.purposes),
            status=CaseStatus.INTAKE,
            status_changed_at=timezone.now(),
            opened_by=by,
            intake_source=through,
            changed_by=prepared_by or by,
        )


def _opened(case: Case, *, identities: int, more: audit.Details) -> audit.Fact:
    return audit.Fact(
        Action.CASE_OPENED,
        case,
        {
            "type": str(case.type),
            "regulation": str(case.regulation),
            "received_at": case.received_at.isoformat(),
            "identities": identities,
            "skip_waiting_period": case.skip_waiting_period,
            **more,
        },
    )


def _group_problems(name: str) -> list[Sentence]:
    """A group's name goes out in addresses, so it is looked at here too, whoever opens the case."""
    field = Case._meta.get_field("group_name")
    try:
        field.run_validators(name)
    except ValidationError as error:
        return [Sentence("Group: %(message)s", message=message) for message in error.messages]
    return []


def _next_numbers(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cases_case_reference') FROM generate_series(1, %s)", [count])
        return [number for (number,) in cursor.fetchall()]
