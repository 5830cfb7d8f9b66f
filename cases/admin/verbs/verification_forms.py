"""Forms of the verification: the methods that the rule allows, each with its own questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.sections import person
from cases.admin.sections.person import IdentityLine
from cases.admin.verbs.forms import NoteForm
from cases.lifecycle import CaseStatus
from cases.models import Case, VerificationMethod, VerificationRule
from cases.services.person import email_links, evidence
from cases.services.person import rules as verification_rules
from cases.services.person.evidence import DATA_POINTS, DOCUMENTS, FAILURES, PROOFS, Evidence

PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True, slots=True)
class Way:
    """One method on the form: its choice, its own questions, and why it cannot be chosen, if so."""

    method: str
    label: str
    questions: list[forms.BoundField]
    lead: str = ""
    cannot: str = ""
    chosen: bool = False


class EvidenceForm(NoteForm):
    """Which questions count depends on the method; the services look at them, and ignore the others."""

    points = forms.MultipleChoiceField(
        label=gettext_lazy("Matching data points"),
        choices=list(DATA_POINTS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Only the types are stored, not the values that the requester gave."),
    )
    declaration = forms.BooleanField(
        label=gettext_lazy("A declaration signed under penalty of perjury is on file"), required=False
    )
    document = forms.ChoiceField(
        label=gettext_lazy("Type of document"),
        choices=list(DOCUMENTS.items()),
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "Do not keep a copy. It is enough that you saw the document. Take special care with "
            "national ID numbers."
        ),
    )
    proof = forms.ChoiceField(
        label=gettext_lazy("Type of proof"),
        choices=list(PROOFS.items()),
        required=False,
        widget=forms.RadioSelect,
    )
    directly = forms.BooleanField(
        label=gettext_lazy("The data subject was also asked directly"), required=False
    )


class VerifyForm(EvidenceForm):
    method = forms.ChoiceField(
        error_messages={"required": gettext_lazy("Choose how the requester was verified.")}
    )
    address = forms.ChoiceField(label=gettext_lazy("Send link to"), required=False, widget=forms.RadioSelect)
    result = forms.ChoiceField(
        label=gettext_lazy("Result"),
        choices=[
            (PASSED, gettext_lazy("Identity confirmed")),
            (FAILED, gettext_lazy("Identity not confirmed")),
        ],
        required=False,
        widget=forms.RadioSelect,
    )
    failure = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=list(FAILURES.items()),
        required=False,
        widget=forms.RadioSelect,
    )
    shown = forms.MultipleChoiceField(
        label=gettext_lazy("Confirmed as the requester’s"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "Clear the checkbox of identifiers that were not confirmed. The approver will see which ones."
        ),
    )

    def __init__(
        self,
        *args: Any,
        rule: VerificationRule | None,
        by_link: bool,
        addresses: Sequence[IdentityLine],
        identities: Sequence[IdentityLine],
        contested: frozenset[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rule, self.by_link = rule, by_link
        self.missing = email_links.missing_settings()
        self._choose("method", [(method, VerificationMethod(method).label) for method in self._methods()])
        self._choose("address", [(line.key, line.value) for line in addresses])
        self._choose(
            "points", [(point, label) for point, label in DATA_POINTS.items() if point not in contested]
        )
        self._choose("shown", [(line.key, f"{line.kind} {line.value}") for line in identities])
        if rule is None or not rule.declaration:
            del self.fields["declaration"]

    def _methods(self) -> list[str]:
        allowed = self.rule.methods if self.rule else []
        return [method for method in allowed if self.by_link or method != VerificationMethod.EMAIL_CONFIRMED]

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        said["evidence"] = Evidence(
            points=tuple(said.get("points", ())),
            declaration=said.get("declaration", False),
            document=said.get("document", ""),
            proof=said.get("proof", ""),
            directly=said.get("directly", False),
        )
        said["identities"] = [UUID(key) for key in said.get("shown", ())]
        if said.get("method") == VerificationMethod.EMAIL_CONFIRMED:
            # Nothing else counts then: a result is the person's to give.
            if not said.get("address"):
                self.add_error("address", _("Choose the address for the link."))
        elif said.get("result") == FAILED and not said.get("failure"):
            self.add_error("failure", _("Choose why the verification failed."))
        return said

    @property
    def ways(self) -> Iterator[Way]:
        for method in self._methods():
            yield Way(
                method=method,
                label=str(VerificationMethod(method).label),
                questions=[self[name] for name in _QUESTIONS.get(method, ()) if name in self.fields],
                lead=self._lead(method),
                cannot=self._cannot(method),
                chosen=self["method"].value() == method,
            )

    def _lead(self, method: str) -> str:
        if self.rule is None:
            return ""
        if method == VerificationMethod.MATCHED_DATA:
            return _("At least %(count)d must match.") % {"count": self.rule.data_points}
        if method == VerificationMethod.EMAIL_CONFIRMED:
            return _(
                "The requester receives a link that is valid for %(count)d days, and confirms the "
                "request with a button."
            ) % {"count": self.rule.link_days}
        return ""

    def _cannot(self, method: str) -> str:
        if method != VerificationMethod.EMAIL_CONFIRMED:
            return ""
        if self.missing:
            return _("The portal cannot send e-mail yet. Set %(names)s.") % {"names": ", ".join(self.missing)}
        address = self.fields["address"]
        assert isinstance(address, forms.ChoiceField)
        if not address.choices:
            return _("The case has no e-mail address to send a link to.")
        return ""


# Of each method, what is asked besides.
_QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    VerificationMethod.MATCHED_DATA: ("points", "declaration"),
    VerificationMethod.EMAIL_CONFIRMED: ("address",),
    VerificationMethod.DOCUMENT_SEEN: ("document",),
    VerificationMethod.AUTHORISED_AGENT: ("proof", "directly"),
}


def about_verification(case: Case) -> dict[str, Any]:
    """What can be asked of this case; nothing of an opt-out, which is refused when it is sent."""
    identities = person.identities(case)
    sendable = {str(row.pk) for row in email_links.addresses(case)}
    return {
        "rule": None if verification_rules.forbidden(case) else verification_rules.rule_for(case),
        # Whoever waits for an approver was verified: only what was added since is shown in another way.
        "by_link": case.status != CaseStatus.READY,
        "addresses": [line for line in identities if line.key in sendable],
        "identities": identities,
        "contested": evidence.contested(case),
    }


def as_usual(case: Case) -> dict[str, Any]:
    """All identities, and the one address where there is only one."""
    addresses = email_links.addresses(case)
    return {
        "result": PASSED,
        "shown": [line.key for line in person.identities(case)],
        "address": str(addresses[0].pk) if len(addresses) == 1 else "",
    }
