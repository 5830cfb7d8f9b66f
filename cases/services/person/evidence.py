"""Evidence of a person's identity, method by method: codes of what was checked, and what is missing."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy

from cases.models import Case, Correction, VerificationMethod, VerificationRule
from dsrportal.sentence import Sentence
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
    "account_details": gettext_lazy("Something only the account holder knows"),
}
DOCUMENTS: Final = {
    "identity_card": gettext_lazy("Identity card"),
    "passport": gettext_lazy("Passport"),
    "driving_licence": gettext_lazy("Driving licence"),
    "residence_permit": gettext_lazy("Residence permit"),
    "other": gettext_lazy("Another document"),
}
PROOFS: Final = {
    "signed_permission": gettext_lazy("Permission signed by the data subject (11 CCR 7063)"),
    "power_of_attorney": gettext_lazy("Power of attorney (Cal. Prob. Code 4121 to 4130)"),
    "legal_representative": gettext_lazy("Appointed by law or by a court"),
}
FAILURES: Final = {
    "no_match": gettext_lazy("The details given do not match our records"),
    "doubtful": gettext_lazy("The document or proof is questionable"),
    "no_answer": gettext_lazy("The requester did not respond"),
    "somebody_else": gettext_lazy("It belongs to someone else"),
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


def not_allowed() -> Sentence:
    return Sentence("The rule for this type of case does not allow this method.")


def problems(case: Case, rule: VerificationRule, method: str, evidence: Evidence) -> list[Sentence]:
    """Sentences on what is missing for this method, each naming its rule."""
    if method == VerificationMethod.EMAIL_CONFIRMED:
        return [Sentence("An e-mail address can only be confirmed by the requester. Send them a link.")]
    if method not in rule.methods:
        return [not_allowed()]
    found = []
    if method == VerificationMethod.MATCHED_DATA:
        found += _data_problems(case, rule, evidence)
    if method == VerificationMethod.DOCUMENT_SEEN and evidence.document not in DOCUMENTS:
        found.append(Sentence("Choose the type of document you saw."))
    if method == VerificationMethod.AUTHORISED_AGENT and evidence.proof not in PROOFS:
        found.append(Sentence("Choose the proof that the agent provided."))
    return found


def _data_problems(case: Case, rule: VerificationRule, evidence: Evidence) -> list[Sentence]:
    found: list[Sentence] = []
    points = set(evidence.points) & set(DATA_POINTS)
    if points & contested(case):
        found.append(Sentence("The value to correct cannot be used for verification (11 CCR 7060)."))
    if len(points) < rule.data_points:
        found.append(
            Sentence("Select at least one matching data point.")
            if rule.data_points == 1
            else Sentence(
                "Select at least %(count)d matching data points.",
                count=rule.data_points,
            )
        )
    if rule.declaration and not evidence.declaration:
        found.append(Sentence("A declaration signed under penalty of perjury must be on file (11 CCR 7062)."))
    return found


def details(method: str, evidence: Evidence) -> dict[str, object]:
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
