"""Forms asked before a package is given out with parts left out."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.admin.verbs.forms import ReasonForm
from cases.models import Case, ResultPackage
from cases.services.results import packages
from dsrportal.crypto import Unreadable
from integrations.types import PackageSummary


def contents(_case: Case, package: ResultPackage) -> dict[str, Any]:
    """What there is to choose from; nothing where the package cannot be read any more, which the service says."""
    try:
        return {"summary": packages.summary_of(package)}
    except Unreadable:
        return {"summary": None}


class RedactForm(ReasonForm):
    reasons = packages.REDACTION_REASONS

    members = forms.MultipleChoiceField(label=_("Files"), required=False, widget=forms.CheckboxSelectMultiple)
    names = forms.MultipleChoiceField(label=_("Fields"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, summary: PackageSummary | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = summary or PackageSummary()
        for name, choices in (
            ("members", [member.name for member in held.members]),
            ("names", held.leave_out),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.MultipleChoiceField)
            field.choices = [(choice, choice) for choice in choices]
        self.order_fields(["members", "names", "reason", "text"])

    @property
    def has_choices(self) -> bool:
        return bool(self["members"].subwidgets or self["names"].subwidgets)

    @property
    def groups(self) -> list[tuple[str, Any, list[Any]]]:
        """Each field with those inside it, as boxes to tick; None where it cannot be left out as a whole."""
        groups: dict[str, tuple[Any, list[Any]]] = {}
        for box in self["names"].subwidgets:
            name = str(box.data["value"])
            top = name.partition(".")[0]
            whole, inside = groups.get(top, (None, []))
            groups[top] = (box, inside) if top == name else (whole, [*inside, box])
        return [(top, whole, inside) for top, (whole, inside) in groups.items()]
