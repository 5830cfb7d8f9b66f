"""Verbs that verify a person: record what was seen, send a link, send it again, withdraw it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.actor import Actor
from cases.admin.verb import ConfirmForm, Values
from cases.admin.verbs.verb import CaseVerb, at
from cases.admin.verbs.verification_forms import FAILED, VerifyForm, about_verification, as_usual
from cases.lifecycle import UNVERIFIED_TYPES, CaseStatus
from cases.models import Case, EmailConfirmation, ProcessorRequest, Verification, VerificationMethod
from cases.services.person import email_links, verification
from cases.services.person import rules as verification_rules


def _verifiable(case: Case, requests: Sequence[ProcessorRequest]) -> bool:
    """Not verified yet, or planned and with an identity that was added since."""
    if case.type in UNVERIFIED_TYPES:
        return False
    if case.status == CaseStatus.READY:
        return any(identity.verified_at is None for identity in case.subject.identities.all())
    return case.status in {CaseStatus.INTAKE, CaseStatus.VERIFYING}


def _page(case: Case, actor: Actor) -> Values:
    """Nobody who opts out is asked who they are: the page says so instead of asking."""
    return {"forbidden": verification_rules.forbidden(case)}


def _verify(case: Case, actor: Actor, said: Values) -> Case | Verification | EmailConfirmation:
    if said["method"] == VerificationMethod.EMAIL_CONFIRMED:
        return email_links.ask(case, actor=actor, identity=UUID(said["address"]))
    if said["result"] == FAILED:
        return verification.fail(
            case,
            actor=actor,
            method=said["method"],
            reason=said["failure"],
            evidence=said["evidence"],
            text=said["text"],
        )
    return verification.record(
        case,
        actor=actor,
        method=said["method"],
        evidence=said["evidence"],
        identities=said["identities"],
        text=said["text"],
    )


def _told(_case: Case, result: Any) -> str:
    if isinstance(result, EmailConfirmation):
        return _("The link is being sent. The case is waiting for the requester.")
    if isinstance(result, Verification):
        return _("Failed verification recorded. The requester is not verified.")
    return _("Verification recorded. The case is planned and waiting for approval.")


VERIFICATION_VERBS: Final[tuple[CaseVerb[Case], ...]] = (
    CaseVerb(
        "verify",
        gettext_lazy("Verify requester"),
        "case-verifying",
        "cases.verify_case",
        due=_verifiable,
        lead=gettext_lazy(
            "Record how the requester was verified, or send them a link. A verified case is planned and "
            "then waits for approval."
        ),
        form=VerifyForm,
        asks=about_verification,
        initial=as_usual,
        page=_page,
        template="portal/verbs/verify.html",
        button=gettext_lazy("Record verification"),
        call=_verify,
        told=_told,
    ),
    CaseVerb(
        "resend-link",
        gettext_lazy("Send new link"),
        "send",
        "cases.verify_case",
        due=at(CaseStatus.VERIFYING),
        lead=gettext_lazy(
            "The requester receives a new link at the same address. The previous link becomes invalid."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Send"),
        call=lambda case, actor, _said: email_links.resend(case, actor=actor),
        told=_told,
    ),
    CaseVerb(
        "cancel-link",
        gettext_lazy("Cancel link"),
        "close",
        "cases.verify_case",
        due=at(CaseStatus.VERIFYING),
        lead=gettext_lazy("The link sent to the requester becomes invalid. The case returns to an agent."),
        form=ConfirmForm,
        call=lambda case, actor, _said: email_links.cancel(case, actor=actor),
        told=lambda _case, _result: _("The link is no longer valid."),
    ),
)
