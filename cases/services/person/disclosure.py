"""Showing identities, and finding people by them: with a reason, and in the trail."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from cases.actor import Actor
from cases.models import Action, AuditEvent, Case, SubjectIdentity
from cases.services import audit, notes, progress
from cases.services.refusal import Refused
from dsrportal.crypto import Unreadable
from dsrportal.sentence import Sentence

REVEAL_REASONS = {
    "verify_person": Sentence("To verify the requester"),
    "answer_person": Sentence("To respond to the requester"),
    "check_plan": Sentence("To check the plan"),
    "resolve_problem": Sentence("To resolve a problem with a processor"),
}


def masked(value: str) -> str:
    """Enough to recognise, too little to use: first character, last two of an address's domain name."""
    name, at, domain = value.partition("@")
    if at and name and domain:
        host, dot, top = domain.rpartition(".")
        return f"{name[0]}•••@{host[:1]}•••{dot}{top}" if dot else f"{name[0]}•••@•••"
    if len(value) <= 4:
        return "•••"
    return f"{value[0]}•••{value[-1]}"


def reveal(case: Case, *, actor: Actor, reason: str, text: str = "") -> list[tuple[str, str]]:
    """The case's identities as typed: (label of the type, value). The event is written before anything is shown.

    Raises Refused for a reason that is not listed.
    """
    if reason not in REVEAL_REASONS:
        raise Refused(Sentence("Choose one of the listed reasons."))
    with transaction.atomic():
        identities = list(
            SubjectIdentity.objects.filter(subject=case.subject_id).select_related("subject__data_key")
        )
        audit.record(
            Action.IDENTITIES_REVEALED,
            actor=actor,
            case=case,
            reason=reason,
            note=notes.write(case, text, actor=actor),
            details={
                "identities": len(identities),
                "identity_ids": [str(identity.pk) for identity in identities],
            },
        )
        return [(identity.get_type_display(), identity.value) for identity in identities]


def reveal_all(
    case_ids: Sequence[int], *, actor: Actor, reason: str, export: AuditEvent
) -> dict[int, list[tuple[str, str]]]:
    """Of several cases the identities as typed, by case: (type, value). One event a case, named after the export they
    go out with; all of them are committed when this returns. What cannot be read any more is left out.
    """
    shown: dict[int, list[tuple[str, str]]] = {}
    with progress.locked_together(case_ids) as cases:
        of: dict[UUID, list[SubjectIdentity]] = defaultdict(list)
        subjects = [case.subject_id for case in cases.values()]
        rows = SubjectIdentity.objects.filter(subject__in=subjects).select_related("subject__data_key")
        for row in rows.order_by("subject", "position"):
            of[row.subject_id].append(row)
        for key, case in sorted(cases.items()):
            opened = [(row, value) for row in of[case.subject_id] if (value := _value(row)) is not None]
            audit.record(
                Action.IDENTITIES_REVEALED,
                actor=actor,
                case=case,
                reason=reason,
                details={
                    "identities": len(opened),
                    "identity_ids": [str(row.pk) for row, _value in opened],
                    "export": export.pk,
                },
            )
            shown[key] = [(row.type, value) for row, value in opened]
    return shown


def _value(row: SubjectIdentity) -> str | None:
    try:
        return str(row.value)
    except Unreadable:
        return None


def find_subjects(value: str, *, actor: Actor) -> list[UUID]:
    """Keys of the data subjects known by exactly this identity, of whatever type. The event holds only them.

    Raises Refused for an empty value.
    """
    value = value.strip()
    if not value:
        raise Refused(Sentence("Enter the identifier to search for."))
    with transaction.atomic():
        subjects: list[UUID] = list(
            SubjectIdentity.objects.matching(value)
            .order_by()
            .values_list("subject_id", flat=True)
            .distinct()[:500]
        )
        found: audit.Details = {"found": len(subjects), "subjects": [str(key) for key in subjects]}
        audit.record(Action.IDENTITY_SEARCHED, actor=actor, details=found)
        return subjects
