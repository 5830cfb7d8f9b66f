"""Recording whether a person showed that they are who they say they are; and taking their own word by a link."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.actor import Actor
from cases.lifecycle import CaseStatus
from cases.models import (
    Action,
    Case,
    Correction,
    EmailConfirmation,
    Note,
    SubjectIdentity,
    Verification,
    VerificationMethod,
    VerificationRule,
)
from cases.services import (
    audit,
    duplicates,
    email_links,
    freshness,
    holding,
    notes,
    planning,
    progress,
    transition,
    verification_rules,
)
from cases.services.refusal import Refused, Superseded
from integrations.types import IdentityType, RequestType

# Kinds of what was compared with what we hold; never the values.
DATA_POINTS: Final = {
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("E-mail address"),
    "phone": gettext_lazy("Phone number"),
    "postal_address": gettext_lazy("Postal address"),
    "birth_date": gettext_lazy("Date of birth"),
    "customer_number": gettext_lazy("Customer or account number"),
    "order": gettext_lazy("An order or invoice"),
    "payment": gettext_lazy("Part of a means of payment"),
    "device": gettext_lazy("A device"),
    "account_details": gettext_lazy("Something only the account’s holder knows"),
}
DOCUMENTS: Final = {
    "identity_card": gettext_lazy("Identity card"),
    "passport": gettext_lazy("Passport"),
    "driving_licence": gettext_lazy("Driving licence"),
    "residence_permit": gettext_lazy("Residence permit"),
    "other": gettext_lazy("Another document"),
}
PROOFS: Final = {
    "signed_permission": gettext_lazy("Permission signed by the person (11 CCR 7063)"),
    "power_of_attorney": gettext_lazy("Power of attorney (Cal. Prob. Code 4121 to 4130)"),
    "legal_representative": gettext_lazy("Appointed by law or by a court"),
}
FAILURES: Final = {
    "no_match": gettext_lazy("What was given does not match what we hold"),
    "doubtful": gettext_lazy("The document or proof is doubtful"),
    "no_answer": gettext_lazy("The person did not answer"),
    "somebody_else": gettext_lazy("It belongs to somebody else"),
}
# What a correction contests is no proof (11 CCR 7060): the data point that an identity of this type is.
_CONTESTED: Final = {
    IdentityType.EMAIL: "email",
    IdentityType.MOBILE_NUMBER: "phone",
    IdentityType.CONTROLLER_CUSTOMER_ID: "customer_number",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was looked at, in codes of the tables above; which of it counts depends on the method."""

    points: tuple[str, ...] = ()
    declaration: bool = False
    document: str = ""
    proof: str = ""
    # Of somebody who acts for the person: whether the person was asked as well.
    directly: bool = False


NOTHING: Final = Evidence()


def contested(case: Case) -> frozenset[str]:
    """Data points that cannot count, since they are what is to be corrected."""
    if case.type != RequestType.CORRECTION:
        return frozenset()
    types = Correction.objects.filter(identity__subject=case.subject_id).values_list(
        "identity__type", flat=True
    )
    return frozenset(_CONTESTED[IdentityType(each)] for each in types if each in _CONTESTED)


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
        freshness.refuse_stale(locked, actor=actor, touching=freshness.PLAN)
        rule = _opened(locked)
        refused = _problems(locked, rule, method, evidence)
        mine = SubjectIdentity.objects.filter(subject=locked.subject_id)
        shown = mine if identities is None else mine.filter(pk__in=list(identities))
        if identities is not None and (not identities or shown.count() != len(set(identities))):
            refused.append(_("Tick at least one identity that was shown to be the person’s."))
        if actor.user is None:
            refused.append(_("What was looked at is recorded by a person."))
        if refused:
            raise Refused(*refused)
        _accept(
            locked,
            shown,
            actor=actor,
            method=method,
            details=_details(method, evidence),
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
    """Record an attempt that did not show it; the case stays as it is. `reason` is one of FAILURES."""
    with progress.locked(case.pk) as locked:
        freshness.refuse_stale(locked, actor=actor, touching=freshness.PLAN)
        rule = _opened(locked)
        if method not in _by_hand(rule):
            raise Refused(_not_allowed())
        if reason not in FAILURES:
            raise Refused(_("Say why it failed."))
        note = notes.write(locked, text, actor=actor)
        details = {**_details(method, evidence), "failure": reason}
        audit.record(
            Action.VERIFICATION_FAILED,
            actor=actor,
            case=locked,
            reason=reason,
            note=note,
            details={"method": str(VerificationMethod(method).label)},
        )
        return Verification.objects.create(
            case=locked, method=method, passed=False, details=details, note=note, by=actor.user
        )


def confirm(token: str, *, actor: Actor) -> bool:
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
    rule = verification_rules.of(case)
    if case.status in {CaseStatus.INTAKE, CaseStatus.VERIFYING}:
        return rule
    if case.status == CaseStatus.READY and unverified(case).exists():
        return rule
    raise Refused(_("The person is verified already."))


def _by_hand(rule: VerificationRule) -> list[str]:
    return [method for method in rule.methods if method != VerificationMethod.EMAIL_CONFIRMED]


def _not_allowed() -> str:
    return _("The rule for this type of case does not allow this method.")


def _problems(case: Case, rule: VerificationRule, method: str, evidence: Evidence) -> list[str]:
    """Sentences on what is missing for this method, each naming its rule."""
    if method == VerificationMethod.EMAIL_CONFIRMED:
        return [_("An e-mail address is confirmed by the person alone: send them a link.")]
    if method not in rule.methods:
        return [_not_allowed()]
    found = []
    if method == VerificationMethod.MATCHED_DATA:
        found += _data_problems(case, rule, evidence)
    if method == VerificationMethod.DOCUMENT_SEEN and evidence.document not in DOCUMENTS:
        found.append(_("Say what kind of document you saw."))
    if method == VerificationMethod.AUTHORISED_AGENT and evidence.proof not in PROOFS:
        found.append(_("Say what proof the agent gave."))
    return found


def _data_problems(case: Case, rule: VerificationRule, evidence: Evidence) -> list[str]:
    found = []
    points = set(evidence.points) & set(DATA_POINTS)
    if points & contested(case):
        found.append(_("What is to be corrected cannot show who the person is (11 CCR 7060)."))
    if len(points) < rule.data_points:
        found.append(
            ngettext(
                "Tick at least %(count)d data point that matched.",
                "Tick at least %(count)d data points that matched.",
                rule.data_points,
            )
            % {"count": rule.data_points}
        )
    if rule.declaration and not evidence.declaration:
        found.append(_("A declaration signed under penalty of perjury must be kept (11 CCR 7062)."))
    return found


def _details(method: str, evidence: Evidence) -> dict[str, object]:
    """What counts for this method, in codes."""
    if method == VerificationMethod.MATCHED_DATA:
        return {
            "points": [point for point in DATA_POINTS if point in evidence.points],
            "declaration": evidence.declaration,
        }
    if method == VerificationMethod.DOCUMENT_SEEN:
        return {"document": evidence.document if evidence.document in DOCUMENTS else ""}
    if method == VerificationMethod.AUTHORISED_AGENT:
        return {
            "proof": evidence.proof if evidence.proof in PROOFS else "",
            "directly": evidence.directly,
        }
    return {}


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
    told: audit.Details = {"method": str(VerificationMethod(method).label), "identity_ids": keys}
    if case.status == CaseStatus.READY:
        # Whoever adds to what is known of the person has changed the case.
        progress.write(case, changed_by=actor.user)
        audit.record(Action.CASE_VERIFIED, actor=actor, case=case, reason=method, note=note, details=told)
    else:
        _let_go_on(case, actor=actor, method=method, note=note, told=told)
    holding.look(case, actor=actor)
    duplicates.look(case)


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
