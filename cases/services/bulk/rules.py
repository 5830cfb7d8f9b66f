"""Rules of the bulk verbs: the permission each needs, the cases it leaves out, and its one call for one case.

The conditions mirror the rules of the verbs' own services, so that a preview can count a hundred thousand cases at
once. They only say what to expect: the service judges each case again when its turn comes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from cases.actor import Actor
from cases.lifecycle import SECOND_PERSON_TYPES, UNVERIFIED_TYPES, CaseStatus, Outcome
from cases.models import BulkRow, BulkVerb, Case, ProcessorRequest
from cases.services import progress
from cases.services.closing import closing
from cases.services.dispatch import cancellation, cool_off
from cases.services.person import verification
from cases.services.person.evidence import Evidence
from cases.services.planning import approval
from cases.services.refusal import Refused
from cases.services.worklist import assigning
from dsrportal.models import User
from dsrportal.sentence import Sentence

Said = Mapping[str, Any]
Exclusion = tuple[str, Q]

CLOSED: Final[Exclusion] = ("closed", Q(status=CaseStatus.CLOSED))
# What a case amounts to that may be closed without anybody looking at it.
GOOD: Final = (Outcome.FULFILLED, Outcome.NO_DATA_HELD)


def _nobody(_actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """`left_out` are codes with their conditions, in the order in which they are asked; the first that holds counts."""

    permission: str
    call: Callable[[Case, Actor, Said, BulkRow], object]
    left_out: Callable[[Actor, Said], tuple[Exclusion, ...]] = field(default=_nobody)


# --- verify


def _verify(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    evidence = Evidence(
        points=tuple(said.get("points", ())),
        declaration=bool(said.get("declaration")),
        document=said.get("document", ""),
        proof=said.get("proof", ""),
        directly=bool(said.get("directly")),
    )
    verification.record(
        case, actor=actor, method=said["method"], evidence=evidence, text=said.get("text", "")
    )


def _verified(_actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    return (
        CLOSED,
        ("no_verification", Q(type__in=sorted(UNVERIFIED_TYPES))),
        ("verified", ~Q(status__in=[CaseStatus.INTAKE, CaseStatus.VERIFYING])),
    )


# --- assign and tag


def _assign(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    assignee = User.objects.get(pk=said["assignee"]) if said.get("assignee") else None
    with progress.locked(case.pk) as locked:
        assigning.assign(locked, actor=actor, assignee=assignee, seen=locked.assignee_id)


def _assigned(_actor: Actor, said: Said) -> tuple[Exclusion, ...]:
    return CLOSED, ("assigned", Q(assignee=said.get("assignee") or None))


def _tag(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    """Adds and takes away; what else the case is tagged with stays."""
    removed = {name.lower() for name in said.get("remove", ())}
    with progress.locked(case.pk) as locked:
        kept = [tag.name for tag in locked.tags.all() if tag.name.lower() not in removed]
        assigning.tag(locked, actor=actor, names=[*said.get("add", ()), *kept])


def _open(_actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    return (CLOSED,)


# --- approve and deny


def _approve(case: Case, actor: Actor, said: Said, row: BulkRow) -> None:
    approval.approve(
        case,
        actor=actor,
        digest=row.digest,
        text=said.get("text", ""),
        not_before_at=cool_off.ends_at(case),
    )


def _not_approvable(actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    return (
        CLOSED,
        ("not_ready", ~Q(status=CaseStatus.READY)),
        ("four_eyes", Q(approval.had_a_hand(actor.user_id), type__in=sorted(SECOND_PERSON_TYPES))),
    )


def _deny(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    approval.deny(case, actor=actor, reason=said["reason"], text=said.get("text", ""))


def _approved(_actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    unapproved = [CaseStatus.INTAKE, CaseStatus.VERIFYING, CaseStatus.READY]
    return CLOSED, ("approved", ~Q(status__in=unapproved))


# --- cancel and close


def _cancel(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    cancellation.cancel(case, actor=actor, text=said.get("text", ""))


def _not_cancellable(_actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    cancellable = ProcessorRequest.objects.filter(
        case=OuterRef("pk"), status__in=sorted(cancellation.CANCELLABLE), cancel_requested_at=None
    )
    return (("nothing_to_cancel", Q(~Exists(cancellable))),)


def _close(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    """With the outcome that its own answers amount to; with a lesser one only where that was asked for."""
    with progress.locked(case.pk) as locked:
        outcome = Outcome(closing.proposed_outcome(locked))
        if outcome not in GOOD and not said.get("lesser") and locked.status == CaseStatus.REVIEW:
            raise Refused(
                Sentence(
                    "Its answers amount to “%(outcome)s”: look at it and close it by itself.",
                    outcome=outcome.label,
                )
            )
        closing.close(locked, actor=actor, outcome=outcome, text=said.get("text", ""))


def _not_closable(_actor: Actor, _said: Said) -> tuple[Exclusion, ...]:
    return CLOSED, ("not_in_review", ~Q(status=CaseStatus.REVIEW))


RULES: Final[dict[str, Rule]] = {
    BulkVerb.VERIFY: Rule("cases.verify_case", _verify, _verified),
    BulkVerb.ASSIGN: Rule("cases.assign_case", _assign, _assigned),
    BulkVerb.TAG: Rule("cases.assign_case", _tag, _open),
    BulkVerb.APPROVE: Rule("cases.approve_case", _approve, _not_approvable),
    BulkVerb.DENY: Rule("cases.approve_case", _deny, _approved),
    BulkVerb.CANCEL: Rule("cases.cancel_case", _cancel, _not_cancellable),
    BulkVerb.CLOSE: Rule("cases.close_case", _close, _not_closable),
}
