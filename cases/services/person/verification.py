"""Recording whether a person showed that they are who they say they are; and taking their own word by a link."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from cases.actor import Actor
from cases.lifecycle import CaseStatus
from cases.models import (
    Action,
    Case,
    EmailConfirmation,
    Note,
    SubjectIdentity,
    Verification,
    VerificationMethod,
    VerificationRule,
)
from cases.services import audit, notes, progress, transition, versions
from cases.services.exclusion import CLOSED, Exclusion
from cases.services.person import email_links, rules
from cases.services.person.evidence import FAILURES, NOTHING, Evidence, details, not_allowed, problems
from cases.services.planning import erasure_hold, planning, suggestions
from cases.services.refusal import Refused, Superseded
from dsrportal.sentence import Sentence

_UNSEEN: Final = frozenset({CaseStatus.INTAKE, CaseStatus.VERIFYING})
_ADDED_SINCE: Final = Exists(
    SubjectIdentity.objects.filter(subject=OuterRef("subject"), verified_at__isnull=True)
)
# Cases that `_opened` refuses.
NOT_VERIFIABLE: Final = (
    CLOSED,
    rules.FORBIDDEN,
    Exclusion("verified", ~Q(status__in=sorted(_UNSEEN)) & ~(Q(status=CaseStatus.READY) & Q(_ADDED_SINCE))),
)
# Which of those added since were shown as well is for each case to say.
ONCE_MORE: Final = Exclusion("verified", Q(status=CaseStatus.READY), refused=False)


def unverified(case: Case) -> QuerySet[SubjectIdentity]:
    """Identities of which nobody has shown that they are the person's."""
    return SubjectIdentity.objects.filter(subject=case.subject_id, verified_at__isnull=True)


def record(
    case: Case,
    *,
    actor: Actor,
    method: str,
    evidence: Evidence = NOTHING,
    identities: Collection[UUID] | None = None,
    text: str = "",
) -> Case:
    """Record that the person was verified, plan the case and hand it to an approver.

    `identities` names those that were shown to be the person's; None: all. A case that is ready already can be
    verified once more, for identities that were added since. Raises Refused with a sentence a rule, also where the
    case waits for something else, or where nothing can be planned.
    """
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.PLAN)
        rule = _opened(locked)
        refused = problems(locked, rule, method, evidence)
        mine = SubjectIdentity.objects.filter(subject=locked.subject_id)
        shown = mine if identities is None else mine.filter(pk__in=list(identities))
        if identities is not None and (not identities or shown.count() != len(set(identities))):
            refused.append(Sentence("Select at least one identifier that was confirmed as the requester’s."))
        if actor.user is None:
            refused.append(Sentence("Evidence must be recorded by a user."))
        if refused:
            raise Refused(*refused)
        _accept(
            locked,
            shown,
            actor=actor,
            method=method,
            details=details(method, evidence),
            note=notes.write(locked, text, actor=actor),
        )
        return locked


def fail(
    case: Case,
    *,
    actor: Actor,
    method: str,
    reason: str,
    evidence: Evidence = NOTHING,
    text: str = "",
) -> Verification:
    """Record an attempt that did not show it; the case stays as it is. `reason` is one of FAILURES.

    Raises Refused for a method that the rule does not allow, and for a reason that is not listed.
    """
    with progress.locked(case.pk) as locked:
        versions.refuse_conflict(locked, actor=actor, touching=versions.PLAN)
        rule = _opened(locked)
        if method not in _by_hand(rule):
            raise Refused(not_allowed())
        if reason not in FAILURES:
            raise Refused(Sentence("Choose why the verification failed."))
        note = notes.write(locked, text, actor=actor)
        kept = {**details(method, evidence), "failure": reason}
        audit.record(
            Action.VERIFICATION_FAILED,
            actor=actor,
            case=locked,
            reason=reason,
            note=note,
            details={"method": str(method)},
        )
        return Verification.objects.create(
            case=locked, method=method, passed=False, details=kept, note=note, by=actor.user
        )


def confirm_by_link(token: str, *, actor: Actor) -> bool:
    """Take the person's word by the link they were sent; False where the link is worthless, whatever the cause.

    Only this one address is verified by it. Raises Refused where the case cannot be planned at this moment; then
    the link stays as good as it was.
    """
    known = email_links.usable(token)
    if known is None:
        return False
    with progress.locked(known.case_id) as locked:
        confirmation = email_links.usable(token)
        if confirmation is None:
            return False
        now = timezone.now()
        # Used, so it arrived, whether or not the mail server's answer did.
        EmailConfirmation.objects.filter(pk=confirmation.pk).update(
            used_at=now, sent_at=confirmation.sent_at or now, next_attempt_at=None
        )
        _accept(
            locked,
            SubjectIdentity.objects.filter(pk__in=[confirmation.identity_id]),
            actor=actor,
            method=VerificationMethod.EMAIL_CONFIRMED,
            details={"confirmation": str(confirmation.pk)},
            note=None,
        )
        return True


def _opened(case: Case) -> VerificationRule:
    """The rule of a locked case that can be verified now. Raises Refused."""
    rule = rules.rule_for(case)
    if case.status in _UNSEEN:
        return rule
    if case.status == CaseStatus.READY and unverified(case).exists():
        return rule
    raise Refused(Sentence("The requester is already verified."))


def _by_hand(rule: VerificationRule) -> list[str]:
    return [method for method in rule.methods if method != VerificationMethod.EMAIL_CONFIRMED]


def _accept(
    case: Case,
    shown: QuerySet[SubjectIdentity],
    *,
    actor: Actor,
    method: str,
    details: dict[str, object],
    note: Note | None,
) -> None:
    """Write that these identities are the person's, with the attempt that showed it, and let the case go on."""
    now = timezone.now()
    keys = [str(key) for key in shown.values_list("pk", flat=True)]
    if not keys:
        raise Superseded
    Verification.objects.create(
        case=case,
        method=method,
        passed=True,
        details={**details, "identity_ids": keys},
        note=note,
        by=actor.user,
        at=now,
    )
    shown.update(verified_at=now)
    told: audit.Details = {"method": str(method), "identity_ids": keys}
    if case.status == CaseStatus.READY:
        # Whoever adds to what is known of the person has changed the case.
        progress.write(case, changed_by=actor.user)
        audit.record(Action.CASE_VERIFIED, actor=actor, case=case, reason=method, note=note, details=told)
    else:
        _let_go_on(case, actor=actor, method=method, note=note, told=told)
    erasure_hold.refresh(case, actor=actor)
    suggestions.refresh(case)


def _let_go_on(case: Case, *, actor: Actor, method: str, note: Note | None, told: audit.Details) -> None:
    by_link = method == VerificationMethod.EMAIL_CONFIRMED
    if not by_link:
        email_links.drop(case)
    transition.move_case(
        case,
        CaseStatus.READY,
        actor=actor,
        action=Action.CASE_VERIFIED,
        reason=method,
        note=note,
        details=told,
        fields={
            "verified_at": timezone.now(),
            "verified_by": actor.user,
            "verification_method": method,
            # Who sent the link has not seen the person, and yet had a hand in it: they cannot approve either.
            "verification_asked_by": case.verification_asked_by if by_link else None,
        },
    )
    planning.plan(case, actor=actor)
