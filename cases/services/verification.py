"""Recording that the person is who they say they are."""

from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus
from cases.models import Action, Case, SubjectIdentity, VerificationMethod
from cases.services import freshness, holding, notes, planning, progress, transition
from cases.services.refusal import Refused


def record(case: Case, *, actor: Actor, method: str, text: str = "") -> Case:
    """Record how the person was verified, plan the case and hand it to an approver.

    Raises Refused where the case waits for something else, or where nothing can be planned.
    """
    with progress.locked(case.pk) as locked:
        freshness.refuse_stale(locked, actor=actor, touching=freshness.PLAN)
        if locked.type in UNVERIFIED_TYPES:
            raise Refused("An opt-out needs no verification: the law forbids asking for it.")
        if locked.status not in {CaseStatus.INTAKE, CaseStatus.VERIFYING}:
            raise Refused("The person is verified already.")
        note = notes.write(locked, text, actor=actor)
        transition.move_case(
            locked,
            CaseStatus.READY,
            actor=actor,
            action=Action.CASE_VERIFIED,
            reason=method,
            note=note,
            details={"method": str(VerificationMethod(method).label)},
            fields={"verified_at": timezone.now(), "verified_by": actor.user, "verification_method": method},
        )
        SubjectIdentity.objects.filter(subject=locked.subject_id).update(verified_at=locked.verified_at)
        planning.plan(locked, actor=actor)
        holding.look(locked, actor=actor)
        return locked
