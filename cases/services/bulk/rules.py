"""Rules of the bulk verbs: the permission each needs, the cases it leaves out, and its one call for one case.

Whom a verb leaves out stands beside the rule in its own service: here the exclusions are only gathered, so that a
preview can count a hundred thousand cases at once. The service judges each case again when its turn comes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cases.actor import Actor
from cases.lifecycle import CaseStatus, Outcome
from cases.models import BulkRow, BulkVerb, Case
from cases.services import progress
from cases.services.closing import closing
from cases.services.dispatch import cancellation, cool_off
from cases.services.exclusion import Exclusion
from cases.services.person import verification
from cases.services.person.evidence import Evidence
from cases.services.planning import approval
from cases.services.refusal import Refused
from cases.services.worklist import assigning
from dsrportal.models import User
from dsrportal.sentence import Sentence

Said = Mapping[str, Any]
# What a case amounts to that may be closed without anybody looking at it.
GOOD: Final = (Outcome.FULFILLED, Outcome.NO_DATA_HELD)


@dataclass(frozen=True, slots=True)
class Rule:
    """The call for one case, and whom it leaves out of many: in the order in which they are asked, the first counts."""

    permission: str
    call: Callable[[Case, Actor, Said, BulkRow], object]
    left_out: Callable[[Actor, Said], tuple[Exclusion, ...]]


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


# --- assign and tag


def _assign(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    assignee = User.objects.get(pk=said["assignee"]) if said.get("assignee") else None
    with progress.locked(case.pk) as locked:
        assigning.assign(locked, actor=actor, assignee=assignee, seen=locked.assignee_id)


def _tag(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    """Adds and takes away; what else the case is tagged with stays."""
    removed = {name.lower() for name in said.get("remove", ())}
    with progress.locked(case.pk) as locked:
        kept = [tag.name for tag in locked.tags.all() if tag.name.lower() not in removed]
        assigning.tag(locked, actor=actor, names=[*said.get("add", ()), *kept])


# --- approve and deny


def _approve(case: Case, actor: Actor, said: Said, row: BulkRow) -> None:
    approval.approve(
        case,
        actor=actor,
        digest=row.digest,
        text=said.get("text", ""),
        not_before_at=cool_off.ends_at(case),
    )


def _deny(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    approval.deny(case, actor=actor, reason=said["reason"], text=said.get("text", ""))


# --- cancel and close


def _cancel(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    cancellation.cancel(case, actor=actor, text=said.get("text", ""))


def _close(case: Case, actor: Actor, said: Said, _row: BulkRow) -> None:
    """With the outcome that its own answers amount to; with a lesser one only where that was asked for."""
    with progress.locked(case.pk) as locked:
        outcome = Outcome(closing.proposed_outcome(locked))
        if outcome not in GOOD and not said.get("lesser") and locked.status == CaseStatus.REVIEW:
            raise Refused(
                Sentence(
                    "Its responses support “%(outcome)s”. Review this case and close it individually.",
                    outcome=outcome.label,
                )
            )
        closing.close(locked, actor=actor, outcome=outcome, text=said.get("text", ""))


RULES: Final[dict[str, Rule]] = {
    BulkVerb.VERIFY: Rule(
        "cases.verify_case",
        _verify,
        lambda _actor, _said: (*verification.NOT_VERIFIABLE, verification.ONCE_MORE),
    ),
    BulkVerb.ASSIGN: Rule(
        "cases.assign_case",
        _assign,
        lambda _actor, said: (*assigning.NOT_OPEN, assigning.assigned_to(said.get("assignee") or None)),
    ),
    BulkVerb.TAG: Rule("cases.assign_case", _tag, lambda _actor, _said: assigning.NOT_OPEN),
    BulkVerb.APPROVE: Rule(
        "cases.approve_case", _approve, lambda actor, _said: approval.not_approvable_by(actor.user_id)
    ),
    BulkVerb.DENY: Rule("cases.approve_case", _deny, lambda _actor, _said: approval.NOT_DENIABLE),
    BulkVerb.CANCEL: Rule(
        "cases.cancel_case", _cancel, lambda _actor, _said: (cancellation.NOTHING_TO_CANCEL,)
    ),
    BulkVerb.CLOSE: Rule("cases.close_case", _close, lambda _actor, _said: closing.NOT_CLOSABLE),
}
