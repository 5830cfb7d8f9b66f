"""Filters of the audit trail: who, what, which case and processor, when, from where; each backed by an index."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from cases.actor import Source
from cases.models import Action, Case
from cases.models.audit.event import in_general
from dsrportal.models import User
from integrations.models import Processor

LOCAL_FORMAT: Final = "%Y-%m-%dT%H:%M"
# So many names are offered while one types.
MOST_OFFERED: Final = 300


# The first part of an action.
NOUNS: Final = {
    "attachment": _("Attachment"),
    "attention": _("Attention"),
    "audit": _("Audit trail"),
    "bulk": _("Bulk run"),
    "case": _("Case"),
    "forwarding": _("Forwarding"),
    "identity": _("Identifiers"),
    "import": _("Import"),
    "intake_source": _("Intake source"),
    "key": _("Data keys"),
    "list": _("List"),
    "note": _("Note"),
    "outgoing": _("Sending"),
    "processor": _("Processor"),
    "profile": _("Search for a data subject"),
    "request": _("Request"),
    "result": _("Result"),
    "role": _("Role"),
    "task": _("Task"),
    "user": _("User"),
    "verification": _("Verification"),
    "view": _("Saved view"),
}


def _nouns() -> list[tuple[str, Any]]:
    """Everything that can happen, under the noun it happens to, as sentences without their particulars."""

    def noun(action: str) -> str:
        return action.partition(".")[0]

    return [
        ("", _("Any event")),
        *(
            (str(NOUNS.get(name, name)), [(action, in_general(Action(action))) for action in found])
            for name, found in groupby(sorted(Action.values, key=noun), key=noun)
        ),
    ]


def _moment(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=False,
        input_formats=[LOCAL_FORMAT, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_FORMAT),
        error_messages={"invalid": _("Enter a date and a time, such as 2026-05-04 09:30.")},
    )


class ReviewForm(forms.Form):
    """Times are of the zone of who looks."""

    who = forms.CharField(
        label=_("Who"),
        required=False,
        max_length=150,
        widget=forms.TextInput(
            attrs={"list": "review-names", "autocomplete": "off", "placeholder": _("User or source")}
        ),
    )
    action = forms.ChoiceField(label=_("What"), required=False, choices=_nouns)
    case = forms.CharField(
        label=_("Case"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "DSR-…"}),
    )
    processor = forms.ModelChoiceField(
        label=_("Processor"), required=False, queryset=Processor.objects.all(), empty_label=_("Any")
    )
    since = _moment(_("From"))
    until = _moment(_("To"))
    address = forms.GenericIPAddressField(
        label=_("Address"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("Exact")}),
        error_messages={"invalid": _("Enter an IP address, such as 192.0.2.7.")},
    )
    source = forms.ChoiceField(label=_("Source"), required=False, choices=[("", _("Any")), *Source.choices])
    # Whose everything a link asks for: an account, under whatever name it had.
    user = forms.ModelChoiceField(required=False, queryset=User.objects.all(), widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        since, until = said.get("since"), said.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is earlier than “From”."))
        return said

    @property
    def names(self) -> list[str]:
        """Accounts to complete what is typed from, those no longer active too."""
        return list(User.objects.order_by("username").values_list("username", flat=True)[:MOST_OFFERED])


NAMES: Final = tuple(ReviewForm.base_fields)


class ReviewFilter(admin.ListFilter):
    """One form in place of a row of menus."""

    title = _("Filters")
    template = "portal/audit/filters.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in NAMES:
            if name in params:
                value = params.pop(name)
                self.used_parameters[name] = value[-1] if isinstance(value, list) else value
        self.form = ReviewForm(self.used_parameters)

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(NAMES)

    def choices(self, changelist: Any) -> Iterator[Any]:
        return iter(())

    @property
    def user(self) -> User | None:
        """Whose everything is shown."""
        found: User | None = self.form.cleaned_data.get("user") if self.form.is_valid() else None
        return found

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Nothing, where something typed is not understood: the whole trail would be taken for the answer."""
        if not self.form.is_valid():
            return queryset.none()
        said = self.form.cleaned_data
        exact = {name: said[name] for name in ("action", "processor", "address", "source") if said[name]}
        found = queryset.filter(**exact)
        if said["user"]:
            found = found.filter(actor=said["user"])
        if said["who"]:
            found = _by(found, said["who"])
        if said["case"]:
            found = found.filter(case=_key(said["case"]))
        return _between(found, said["since"], said["until"])


def _by(found: QuerySet[Any], name: str) -> QuerySet[Any]:
    """An account by its present name; a source, or an account that is called otherwise now, by the name it had."""
    user = User.objects.filter(username=name).first()
    return found.filter(actor=user) if user else found.filter(actor_label=name)


def _key(reference: str) -> int:
    """Looked up first: with the key known, the trail of the case is read by its index."""
    found = Case.objects.filter(reference=reference.strip().upper()).values_list("pk", flat=True).first()
    return found or 0


def _between(found: QuerySet[Any], since: datetime | None, until: datetime | None) -> QuerySet[Any]:
    if since:
        found = found.filter(at__gte=since)
    return found.filter(at__lte=until) if until else found


def without_empty(request: HttpRequest) -> HttpResponseRedirect | None:
    """A form sends its empty fields too: the address without them, where there are any."""
    query = request.GET.copy()
    for name in NAMES:
        if name in query and not query[name]:
            del query[name]
    if query == request.GET:
        return None
    return HttpResponseRedirect(f"{request.path}?{query.urlencode()}" if query else request.path)
