"""Closing one of two cases as the duplicate of the other, which goes on for both.

Nothing of this happens by itself: a person has compared the two. Both histories stay, and both say what happened.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from cases.actor import Actor, Seen
from cases.lifecycle import CaseStatus, Outcome, RequestStatus
from cases.models import (
    Action,
    AttentionItem,
    AttentionKind,
    Case,
    Correction,
    ProcessorRequest,
    SubjectIdentity,
)
from cases.services import audit, clocks, notes, progress, versions
from cases.services.closing import closing
from cases.services.person import identities
from cases.services.planning import change_plan, erasure_hold, suggestions
from cases.services.planning.approval import drop_plan
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence
from integrations.types import RequestType

# With these a processor has nothing of a request, or is done with it.
_AT_REST = (RequestStatus.PLANNED, RequestStatus.CANCELLED, RequestStatus.COMPLETED)


def why_not(case: Case, kept: Case) -> Sentence | None:
    """Why a case cannot be closed as a duplicate of another, in a sentence; "" where it can."""
    if case.pk == kept.pk:
        return Sentence("A case cannot be a duplicate of itself.")
    for each in (case, kept):
        if each.status == CaseStatus.CLOSED:
            return Sentence(
                "%(reference)s is closed. Only an open case can be continued in place of another.",
                reference=each.reference,
            )
    if not suggestions.others(case).filter(pk=kept.pk).exists():
        return Sentence(
            "These two cases are not duplicates. They have no identifier in common that was verified in "
            "both, make different requests, or were received too far apart."
        )
    if (
        suggestions.of_case(case)
        .filter(dismissed_at__isnull=False, pk__in=suggestions.of_case(kept))
        .exists()
    ):
        return Sentence("These two cases were marked as not duplicates. Undo that first.")
    if ProcessorRequest.objects.filter(case=case, replaced_by=None).exclude(status__in=_AT_REST).exists():
        return Sentence(
            "A processor is still working on %(reference)s. Cancel its requests first or wait until "
            "they are finished.",
            reference=case.reference,
        )
    # That it was held for long is settled with it.
    items = AttentionItem.objects.filter(case=case, resolved_at__isnull=True)
    if items.exclude(kind=AttentionKind.HELD).exists():
        return Sentence("%(reference)s has open items. Resolve them first.", reference=case.reference)
    return None


def missing_in(kept: Case, case: Case) -> list[SubjectIdentity]:
    """Identities of a case by which the other does not look for the person, verified ones first."""
    has = SubjectIdentity.objects.filter(subject=kept.subject_id).values("blind_index")
    rows = SubjectIdentity.objects.filter(subject=case.subject_id).exclude(blind_index__in=has)
    rows = rows.select_related("subject__data_key", "correction")
    return sorted(rows, key=lambda row: (row.verified_at is None, row.position))


def close(
    case: Case,
    *,
    kept: Case,
    actor: Actor,
    add: Collection[UUID] = (),
    text: str = "",
    seen_of_kept: Seen | None = None,
) -> Case:
    """Close a case as a duplicate of `kept`, whose clock from now on counts from the earlier receipt of the two.

    `add` are identities of the closed case by which the kept one shall look for the person as well: it is planned anew
    and its approval is void. Raises Refused, among others where a processor still works on the case, and where
    identities shall be added to a case of which something was sent; Stale where one of the two has changed since it was
    compared: `actor.seen` is of the case, `seen_of_kept` of the other.
    """
    with _locked(case, kept) as (locked, goes_on, followers, waiting):
        versions.refuse_conflict(locked, actor=actor, touching=versions.COMPARED)
        of_kept = replace(actor, seen=seen_of_kept)
        versions.refuse_conflict(goes_on, actor=of_kept, touching=versions.COMPARED)
        sentence = why_not(locked, goes_on)
        if sentence:
            raise Refused(sentence)
        rows = _chosen(locked, goes_on, add)
        _refuse_lost_corrections(locked, goes_on, rows)
        note = notes.write(locked, text, actor=actor)
        drop_plan(locked, actor=actor)
        erasure_hold.end(locked, actor=actor)
        closing.finish(
            locked,
            Outcome.DUPLICATE,
            actor=actor,
            action=Action.CASE_CLOSED_AS_DUPLICATE,
            note=note,
            details={"other": goes_on.reference},
            fields={"duplicate_of": goes_on},
        )
        audit.record(Action.DUPLICATE_TAKEN, actor=actor, case=goes_on, details={"other": locked.reference})
        for follower in followers:
            _follow(follower, goes_on, actor=actor, before=locked)
        clocks.restart(goes_on, actor=actor)
        if rows:
            goes_on = identities.take_over(goes_on, actor=actor, rows=rows)
        for each in waiting:
            erasure_hold.refresh(each, actor=actor)
            progress.settle(each, actor=actor)
        return locked


@contextmanager
def _locked(case: Case, kept: Case) -> Iterator[tuple[Case, Case, list[Case], list[Case]]]:
    """Both cases, what counted as a duplicate of the first, and erasures that wait for it: locked by key."""
    followers = set(Case.objects.filter(duplicate_of=case.pk).values_list("pk", flat=True))
    waiting = set(Case.objects.filter(blocked_by=case.pk).values_list("pk", flat=True))
    with progress.locked_together({case.pk, kept.pk, *followers, *waiting}) as cases:
        # Under its lock nothing more can become a duplicate of the case. What begins to wait for it is found by the
        # schedule, as for any other case that closes.
        if set(Case.objects.filter(duplicate_of=case.pk).values_list("pk", flat=True)) != followers:
            raise Superseded
        yield (
            cases[case.pk],
            cases[kept.pk],
            [cases[key] for key in sorted(followers)],
            [cases[key] for key in sorted(waiting) if cases[key].blocked_by_id == case.pk],
        )


def _chosen(case: Case, kept: Case, add: Collection[UUID]) -> list[SubjectIdentity]:
    rows = [row for row in missing_in(kept, case) if row.pk in set(add)]
    if len(rows) != len(set(add)):
        raise Superseded(
            Sentence("The identifiers have changed since you opened this page. Review them and try again.")
        )
    sentence = change_plan.may_change(kept) if rows else None
    if sentence:
        raise Refused(sentence)
    return rows


def _refuse_lost_corrections(case: Case, kept: Case, rows: Collection[SubjectIdentity]) -> None:
    """What only the closed case wants corrected would be corrected nowhere."""
    if case.type != RequestType.CORRECTION:
        return
    wanted = Correction.objects.filter(identity__subject=case.subject_id).exclude(identity__in=rows)
    has = Correction.objects.filter(identity__subject=kept.subject_id)
    pairs = {
        (bytes(row.identity.blind_index), bytes(row.blind_index)) for row in has.select_related("identity")
    }
    for row in wanted.select_related("identity"):
        if (bytes(row.identity.blind_index), bytes(row.blind_index)) not in pairs:
            raise Refused(
                Sentence(
                    "%(reference)s asks for a correction that the other case does not include, so they "
                    "are not the same request.",
                    reference=case.reference,
                )
            )


def _follow(follower: Case, kept: Case, *, actor: Actor, before: Case) -> None:
    progress.write(follower, duplicate_of=kept)
    audit.record(
        Action.DUPLICATE_MOVED,
        actor=actor,
        case=follower,
        details={"other": kept.reference, "before": before.reference},
    )
