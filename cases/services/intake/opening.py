"""Opening a case."""

from collections.abc import Iterator, Sequence

from django.db import connection, transaction
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus
from cases.models import Action, Case, Correction, DataSubject, IntakeSource, SubjectIdentity
from cases.services import audit, clocks
from cases.services.intake import rules
from cases.services.intake.rules import Asked, CannotOpen
from cases.services.planning import approval
from cases.services.refusal import Refused
from dsrportal.crypto import blind_index
from dsrportal.database import bulk_insert
from dsrportal.models import DataKey, User
from dsrportal.sentence import Sentence
from integrations.types import Identity


def open_case(asked: Asked, *, actor: Actor, through: IntakeSource | None = None) -> Case:
    """Open a case with its person, encrypted identities and clock; an opt-out is planned and sent at once.

    It is opened by a person, or `through` a form of our own. Raises CannotOpen with what is wrong, and Refused.
    """
    faults = rules.problems(asked)
    if faults:
        raise CannotOpen(faults)
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
    """Open the case of each, in this order, all or none: `rules.problems` found nothing wrong with any of them.

    `details` are added to each event that a case was opened. `prepared_by` is who wrote what is asked, where that is
    somebody else than who opens it: neither can approve what takes a second person. What every case has is written for
    all at once; an opt-out is then planned and sent by itself. Raises Refused where that cannot be planned after all.
    """
    if (actor.user is None) == (through is None):
        raise Refused(Sentence("A case must be opened by a user or through an intake source."))
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


def _next_numbers(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cases_case_reference') FROM generate_series(1, %s)", [count])
        return [number for (number,) in cursor.fetchall()]
