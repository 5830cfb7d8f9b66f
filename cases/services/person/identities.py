"""Changing by which identities a person is looked for. Whoever approved them before has not approved these."""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.utils.translation import gettext_noop

from cases.actor import Actor
from cases.models import Action, Case, Correction, SubjectIdentity
from cases.services import audit, notes
from cases.services.person import email_links
from cases.services.planning import change_plan
from cases.services.refusal import Refused
from dsrportal.crypto import blind_index
from dsrportal.sentence import Sentence
from integrations.types import Identity, RequestType


def change(
    case: Case, *, actor: Actor, add: Sequence[Identity], remove: Collection[UUID], text: str = ""
) -> Case:
    """Add and remove identities; the case is planned anew and its approval is void.

    Raises Refused where something was sent already, where none would be left, or where one is given twice.
    """
    if not add and not remove:
        raise Refused(Sentence("Add an identifier or select one to remove."))
    with change_plan.changing(case, actor=actor, what=gettext_noop("the identities")) as locked:
        note = notes.write(locked, text, actor=actor)
        mine = SubjectIdentity.objects.filter(subject=locked.subject_id)
        leaving = list(mine.filter(pk__in=list(remove)))
        if len(leaving) != len(set(remove)):
            raise Refused(
                Sentence(
                    "An identifier that you selected to remove no longer exists. Review the list and try again."
                )
            )
        if any(identity.requests.filter(attempts__gt=0).exists() for identity in leaving):
            raise Refused(Sentence("An identifier that was sent to a processor cannot be removed."))
        removed = [str(identity.pk) for identity in leaving]
        email_links.drop_for(locked, mine.filter(pk__in=removed), actor=actor)
        mine.filter(pk__in=removed).delete()
        added = _add(locked, add)
        if not mine.exists():
            raise Refused(
                Sentence("Keep at least one identifier. Without one, no processor can find the data subject.")
            )
        if locked.type == RequestType.CORRECTION and not _corrections(locked):
            raise Refused(Sentence("Keep at least one identifier to correct."))
        audit.record(
            Action.CASE_IDENTITIES_CHANGED,
            actor=actor,
            case=locked,
            note=note,
            details={
                "added": len(added),
                "removed": len(removed),
                "added_ids": [str(identity.pk) for identity in added],
                "removed_ids": removed,
            },
        )
    return locked


def take_over(case: Case, *, actor: Actor, rows: Sequence[SubjectIdentity]) -> Case:
    """Add identities of another case of the same person, sealed anew under this case's own key.

    What was verified there is verified, and what was to be corrected there shall be corrected. Planned anew, approval
    void and refusals as in `change`.
    """
    with change_plan.changing(case, actor=actor, what="the identities") as locked:
        added = _add(locked, [Identity(row.type, row.value) for row in rows])
        for new, row in zip(added, rows, strict=True):
            SubjectIdentity.objects.filter(pk=new.pk).update(verified_at=row.verified_at)
            if hasattr(row, "correction"):
                Correction.objects.create(
                    identity=new,
                    new_value=row.correction.new_value,
                    blind_index=bytes(row.correction.blind_index),
                )
        audit.record(
            Action.CASE_IDENTITIES_CHANGED,
            actor=actor,
            case=locked,
            reason="duplicate",
            details={
                "added": len(added),
                "removed": 0,
                "added_ids": [str(identity.pk) for identity in added],
                "removed_ids": [],
            },
        )
    return locked


def _add(case: Case, identities: Sequence[Identity]) -> list[SubjectIdentity]:
    mine = SubjectIdentity.objects.filter(subject=case.subject_id)
    known = {bytes(index) for index in mine.values_list("blind_index", flat=True)}
    last = max(mine.values_list("position", flat=True), default=-1)
    added = []
    for position, identity in enumerate(identities, start=last + 1):
        index = blind_index(identity.type, identity.value)
        if index in known:
            raise Refused(Sentence("The same identifier was entered twice. Remove one of them."))
        known.add(index)
        added.append(
            SubjectIdentity.of(case.subject, type=identity.type, value=identity.value, position=position)
        )
    SubjectIdentity.objects.bulk_create(added)
    return added


def _corrections(case: Case) -> bool:
    return Correction.objects.filter(identity__subject=case.subject_id).exists()
