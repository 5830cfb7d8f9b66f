"""Links by which a person confirms an e-mail address: asked for, replaced, cancelled, expired.

A token is random and signed: what we have not signed is turned away before anybody asks the database. Only its
SHA-256 is kept. `mail` sends them, `verification.confirm_by_link` takes them.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils import timezone

from cases.actor import SCHEDULE, Actor
from cases.lifecycle import CaseStatus
from cases.models import (
    Action,
    Case,
    Correction,
    EmailConfirmation,
    SubjectIdentity,
    VerificationMethod,
)
from cases.services import audit, progress, transition
from cases.services.person import rules
from cases.services.refusal import Refused
from dsrportal import queueing
from dsrportal.crypto import Unreadable
from dsrportal.sentence import Sentence
from integrations.types import IdentityType, RequestType

TOKEN_BYTES: Final = 32
# Whoever sits at the desk shall not be able to flood a mailbox.
MOST_A_DAY: Final = 5
# Expired links that one sweep looks at.
AT_ONCE: Final = 500


# --- tokens


def new_token() -> tuple[str, bytes]:
    """A token for an address, and the hash of it to keep."""
    token = _signer().sign(secrets.token_urlsafe(TOKEN_BYTES))
    return token, _hash(token)


def _signer() -> Signer:
    return Signer(salt="cases.email_link", sep=".")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def usable(token: str) -> EmailConfirmation | None:
    """The confirmation that this token stands for, if it can still be given; else None, whatever the cause.

    Such as a rule that has ceased to allow the method since the link was sent.
    """
    try:
        _signer().unsign(token)
    except BadSignature:
        return None
    found = (
        EmailConfirmation.objects.select_related("case")
        .filter(
            token_hash=_hash(token),
            used_at__isnull=True,
            cancelled_at__isnull=True,
            identity__isnull=False,
            expires_at__gt=timezone.now(),
            case__status=CaseStatus.VERIFYING,
        )
        .first()
    )
    if found is None or VerificationMethod.EMAIL_CONFIRMED not in rules.rule_for(found.case).methods:
        return None
    return found


# --- what an agent does


def missing_settings() -> list[str]:
    """Names of the settings without which no mail can be sent."""
    return list(settings.MAIL_MISSING)


def addresses(case: Case) -> list[SubjectIdentity]:
    """The e-mail identities of a case that a link can be sent to.

    What a correction contests is none of them: it cannot show who the person is (11 CCR 7060).
    """
    rows = SubjectIdentity.objects.filter(subject=case.subject_id, type=IdentityType.EMAIL)
    if case.type == RequestType.CORRECTION:
        contested = Correction.objects.filter(identity__subject=case.subject_id)
        rows = rows.exclude(pk__in=contested.values("identity"))
    return [row for row in rows.select_related("subject__data_key") if _can_be_written_to(row)]


def _can_be_written_to(identity: SubjectIdentity) -> bool:
    try:
        validate_email(identity.value.strip())
    except (ValidationError, Unreadable):
        return False
    return True


def ask(case: Case, *, actor: Actor, identity: UUID) -> EmailConfirmation:
    """Send a link to this e-mail identity; an older link is no longer valid. Raises Refused."""
    with progress.locked(case.pk) as locked:
        return _ask(locked, identity, actor=actor)


def resend(case: Case, *, actor: Actor) -> EmailConfirmation:
    """Send a new link to the address that the last one went to. Raises Refused."""
    with progress.locked(case.pk) as locked:
        last = locked.email_confirmations.order_by("asked_at").last()
        if last is None or last.identity_id is None:
            raise Refused(Sentence("No link was sent to an address that is still part of the case."))
        return _ask(locked, last.identity_id, actor=actor)


def _ask(case: Case, identity_id: UUID, *, actor: Actor) -> EmailConfirmation:
    rule = rules.rule_for(case)
    _refuse(case, rule.methods)
    if identity_id not in {identity.pk for identity in addresses(case)}:
        raise Refused(Sentence("Choose one of the e-mail addresses of the case."))
    replaced = _end(case)
    confirmation = EmailConfirmation.objects.create(
        case=case, identity_id=identity_id, asked_by=actor.user, valid_days=rule.link_days
    )
    details: audit.Details = {
        "days": rule.link_days,
        "confirmation": str(confirmation.pk),
        "identity_id": str(identity_id),
        "replaced": replaced,
    }
    asked_by: transition.Fields = {"verification_asked_by": actor.user}
    if case.status == CaseStatus.INTAKE:
        transition.move_case(
            case,
            CaseStatus.VERIFYING,
            actor=actor,
            action=Action.LINK_ASKED,
            details=details,
            fields=asked_by,
        )
    else:
        progress.write(case, **asked_by)
        audit.record(Action.LINK_ASKED, actor=actor, case=case, details=details)
    wake(confirmation.pk)
    return confirmation


def _refuse(case: Case, methods: list[str]) -> None:
    if case.status not in {CaseStatus.INTAKE, CaseStatus.VERIFYING}:
        raise Refused(Sentence("The requester is already verified."))
    if missing_settings():
        raise Refused(
            Sentence("The portal cannot send e-mail yet. Set %(names)s.", names=", ".join(missing_settings()))
        )
    if VerificationMethod.EMAIL_CONFIRMED not in methods:
        raise Refused(Sentence("The rule for this type of case does not allow this method."))
    since = timezone.now() - timedelta(days=1)
    if case.email_confirmations.filter(asked_at__gt=since).count() >= MOST_A_DAY:
        raise Refused(
            Sentence(
                "%(count)d links were sent for this case within one day. Wait, or verify the requester "
                "in another way.",
                count=MOST_A_DAY,
            )
        )


def cancel(case: Case, *, actor: Actor) -> Case:
    """Make the open link worthless; the case is an agent's again. Raises Refused where there is none."""
    with progress.locked(case.pk) as locked:
        if locked.status != CaseStatus.VERIFYING or not _end(locked):
            raise Refused(Sentence("There is no valid link."))
        _back_to_an_agent(locked, Action.LINK_CANCELLED, actor=actor)
        return locked


def drop(case: Case) -> None:
    """Make the open link of a locked case worthless, since the person was verified otherwise."""
    _end(case)


def drop_for(case: Case, identities: QuerySet[SubjectIdentity], *, actor: Actor) -> None:
    """The same where its address leaves a locked case."""
    if _open(case).filter(identity__in=identities).exists():
        _end(case)
        if case.status == CaseStatus.VERIFYING:
            _back_to_an_agent(case, Action.LINK_CANCELLED, actor=actor)


def _open(case: Case) -> QuerySet[EmailConfirmation]:
    return EmailConfirmation.objects.filter(case=case, used_at__isnull=True, cancelled_at__isnull=True)


def _end(case: Case) -> bool:
    return bool(_open(case).update(cancelled_at=timezone.now()))


def _back_to_an_agent(
    case: Case, action: Action, *, actor: Actor, details: audit.Details | None = None
) -> None:
    transition.move_case(
        case,
        CaseStatus.INTAKE,
        actor=actor,
        action=action,
        details=details,
        fields={"verification_asked_by": None},
    )


def refused_by_the_mail_server(case: Case, confirmation: EmailConfirmation, *, error: str) -> None:
    """Nobody can be reached at the address: an agent must choose another way."""
    now = timezone.now()
    EmailConfirmation.objects.filter(pk=confirmation.pk).update(
        next_attempt_at=None, cancelled_at=now, last_error=error
    )
    if case.status == CaseStatus.VERIFYING:
        _back_to_an_agent(case, Action.LINK_REFUSED, actor=SCHEDULE, details={"error": error})


# --- the schedule


def wake(confirmation_id: UUID) -> None:
    # Beside the downloads: a mail server that is slow to answer keeps neither requests nor the sweep waiting.
    queueing.wake("cases.jobs.send_link", str(confirmation_id), queue="results")


def expire() -> int:
    """Hand cases whose link was not used in time back to an agent; how many."""
    overdue = EmailConfirmation.objects.filter(
        used_at__isnull=True, cancelled_at__isnull=True, expires_at__lte=timezone.now(), sent_at__isnull=False
    )
    found = list(overdue.order_by("expires_at").values_list("pk", "case")[:AT_ONCE])
    return sum(_expire(confirmation_id, case_id) for confirmation_id, case_id in found)


def _expire(confirmation_id: UUID, case_id: int) -> int:
    with progress.locked(case_id) as case:
        if not _open(case).filter(pk=confirmation_id).update(cancelled_at=timezone.now()):
            return 0  # used, or replaced, in this very moment
        if case.status == CaseStatus.VERIFYING:
            _back_to_an_agent(case, Action.LINK_EXPIRED, actor=SCHEDULE)
        return 1
