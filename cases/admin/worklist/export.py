"""The queue as a file. Identities go out only where somebody who may reveal them asks for them, with a reason."""

from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from cases.actor import Actor
from cases.admin.actors import actor_of
from cases.admin.export import Column, Exported, codes, day, filters_text, instant, name
from cases.models import AuditEvent, Case
from cases.services.person import disclosure
from cases.services.refusal import Refused
from cases.services.worklist import exporting
from integrations.types import IdentityType

EXPORT: Final = "cases.export_case"
REVEAL: Final = "cases.reveal_identity"


def _answers(case: Case) -> str:
    """What each processor said, or where its request stands."""
    return "; ".join(
        f"{request.processor.name}: {request.answer or request.status}" for request in case.requests.all()
    )


COLUMNS: Final = (
    Column("reference", lambda case: case.reference),
    Column("type", lambda case: case.type),
    Column("regulation", lambda case: case.regulation),
    Column("status", lambda case: case.status),
    Column("status_since", lambda case: instant(case.status_changed_at)),
    Column("outcome", lambda case: case.outcome),
    Column("duplicate_of", lambda case: name(case.duplicate_of)),
    Column("received_at", lambda case: instant(case.received_at)),
    Column("due_on", lambda case: day(case.due_on)),
    Column("assignee", lambda case: name(case.assignee)),
    Column("follow_up_on", lambda case: day(case.follow_up_on)),
    Column("tags", lambda case: "; ".join(tag.name for tag in case.tags.all())),
    Column("waits_for", lambda case: name(case.blocked_by)),
    Column("answers", _answers),
    Column("opened_at", lambda case: instant(case.opened_at)),
    Column("opened_by", lambda case: name(case.opened_by)),
    Column("verified_at", lambda case: instant(case.verified_at)),
    Column("verified_by", lambda case: name(case.verified_by)),
    Column("verification", lambda case: case.verification_method),
    Column("approved_at", lambda case: instant(case.approved_at)),
    Column("approved_by", lambda case: name(case.approved_by)),
    Column("closed_at", lambda case: instant(case.closed_at)),
)


class ExportForm(forms.Form):
    """Whether the identities go along, and why; asked of those alone who may reveal them."""

    identities = forms.BooleanField(
        label=_("Include identifiers as they were entered"),
        required=False,
        help_text=_("Who exported them, and why, is recorded in the audit trail of each case."),
    )
    reason = forms.ChoiceField(
        label=_("Reason for exporting the identifiers"),
        choices=list(disclosure.REVEAL_REASONS.items()),
        required=False,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, may_reveal: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_reveal:
            self.fields.clear()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("identities") and not said.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Enter a reason."))
        return said


class ExportedCases(Exported):
    export_name = "cases"
    export_columns = COLUMNS
    export_asks = True

    def may_export(self, request: HttpRequest) -> bool:
        return request.user.has_perms(["cases.view_case", EXPORT])

    def export_rows(self, request: HttpRequest) -> QuerySet[Any]:
        people = ("opened_by", "verified_by", "approved_by", "assignee")
        return (
            self.get_queryset(request)
            .select_related(*people, "blocked_by", "duplicate_of")
            .prefetch_related("tags")
        )

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """GET asks what shall go out, POST gives it."""
        if not self.may_export(request):
            raise PermissionDenied
        may_reveal = request.user.has_perm(REVEAL)
        if request.POST.get("identities") and not may_reveal:
            raise PermissionDenied
        shown = self.whole_list(request)
        if shown is None:
            return self.refuse_list(request)
        form = ExportForm(request.POST if request.method == "POST" else None, may_reveal=may_reveal)
        if request.method == "POST" and form.is_valid():
            reveal, reason = form.cleaned_data.get("identities", False), form.cleaned_data.get("reason", "")
            try:
                event, keys = exporting.begin(
                    shown.queryset,
                    actor=actor_of(request),
                    listed=self.export_name,
                    filters=codes(shown),
                    reveal=reveal,
                    reason=reason,
                )
            except Refused as refused:
                form.add_error(None, str(refused))
            else:
                return self._file(request, keys, event if reveal else None, reason)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Export cases"),
            "cl": shown,
            "form": form,
            "filters": filters_text(shown),
            "columns": [column.name for column in self.export_columns],
            "list_url": self._list_address + shown.get_query_string(),
        }
        return TemplateResponse(request, "portal/worklist/export.html", context)

    def _file(
        self, request: HttpRequest, keys: Iterator[Any], event: AuditEvent | None, reason: str
    ) -> HttpResponseBase:
        rows, columns = self.export_rows(request), [column.name for column in self.export_columns]
        if event is None:
            plain = exporting.batches(keys, rows)
            return self.export_file(columns, (self.export_cells(case) for batch in plain for case in batch))
        small = exporting.batches(keys, rows, size=exporting.REVEALED)
        told = self._with_identities(small, actor=actor_of(request), event=event, reason=reason)
        return self.export_file([*columns, *IdentityType.values], told)

    def _with_identities(
        self, batches: Iterator[list[Case]], *, actor: Actor, event: AuditEvent, reason: str
    ) -> Iterator[list[str]]:
        """A batch is given once its events are written; several values of one kind are lines of one cell."""
        for batch in batches:
            shown = disclosure.reveal_all(
                [case.pk for case in batch], actor=actor, reason=reason, export=event
            )
            for case in batch:
                by_type = {
                    kind: [value for of, value in shown[case.pk] if of == kind]
                    for kind in IdentityType.values
                }
                yield [*self.export_cells(case), *("\n".join(values) for values in by_type.values())]
