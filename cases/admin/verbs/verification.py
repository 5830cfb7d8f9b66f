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
        return _("The link is on its way; the case waits for the person.")
    if isinstance(result, Verification):
        return _("Recorded that it failed; the person is not verified.")
    return _("Verification recorded; the case is planned and waits for an approver.")


VERIFICATION_VERBS: Final[tuple[CaseVerb[Case], ...]] = (
    CaseVerb(
        "verify",
        gettext_lazy("Verify the person"),
        "case-verifying",
        "cases.verify_case",
        due=_verifiable,
        lead=gettext_lazy(
            "Say how the person showed who they are, or send them a link. A verified case is planned and waits for an "
            "approver."
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
        gettext_lazy("Send a new link"),
        "send",
        "cases.verify_case",
        due=at(CaseStatus.VERIFYING),
        lead=gettext_lazy(
            "The person gets a new link at the same address. The one they have is no longer valid then."
        ),
        form=ConfirmForm,
        button=gettext_lazy("Send"),
        call=lambda case, actor, _said: email_links.resend(case, actor=actor),
        told=_told,
    ),
    CaseVerb(
        "cancel-link",
        gettext_lazy("Cancel the link"),
        "close",
        "cases.verify_case",
        due=at(CaseStatus.VERIFYING),
        lead=gettext_lazy(
            "The link that the person has is no longer valid; the case is an agent’s turn again."
        ),
        form=ConfirmForm,
        call=lambda case, actor, _said: email_links.cancel(case, actor=actor),
        told=lambda _case, _result: _("The link is no longer valid."),
    ),
)
