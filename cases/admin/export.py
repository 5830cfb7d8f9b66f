"""Any list of the desk as a CSV file: what it is narrowed to, all pages of it, as declared columns.

Cells are codes, names and instants in UTC (ISO 8601), the same for whoever exports: a file is read by programs too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qs

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.admin.actors import actor_of
from cases.models import Action
from cases.services.worklist import exporting
from dsrportal import spreadsheet


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, which stays as it is for whoever reads files by program, and a row's cell."""

    name: str
    cell: Callable[[Any], str]


class Listed(Protocol):
    """What an export, or work on many, needs of a list: a ChangeList of Django's, or one of our own."""

    query: str
    params: dict[str, Any]

    @property
    def queryset(self) -> QuerySet[Any]: ...

    @property
    def filter_specs(self) -> Sequence[Any]: ...

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str: ...


class Exported(admin.ModelAdmin):
    """A list with an export. Declare `export_name`, which the file is named for, and `export_columns`."""

    export_name: ClassVar[str]
    export_columns: ClassVar[tuple[Column, ...]]
    export_action: ClassVar[Action] = Action.LIST_EXPORTED
    # Whether something is asked first, on a page of its own.
    export_asks: ClassVar[bool] = False

    def may_export(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def export_rows(self, request: HttpRequest) -> QuerySet[Any]:
        """What the columns are read from: the list's rows with all that the cells need."""
        return self.get_queryset(request)

    # --- addresses

    def export_urls(self) -> list[URLPattern]:
        view = self.export_view if self.export_asks else require_POST(self.export_view)
        return [path("export/", self.admin_site.admin_view(view), name=self._export_address)]

    def get_urls(self) -> list[URLPattern]:
        return [*self.export_urls(), *super().get_urls()]

    @property
    def _export_address(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_export"

    @property
    def _list_address(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**self.export_context(request), **(extra_context or {})})

    def export_context(self, request: HttpRequest) -> dict[str, Any]:
        """What the button above the list needs."""
        offered = {"url": reverse(f"admin:{self._export_address}"), "asks": self.export_asks}
        return {"export": offered if self.may_export(request) else None}

    # --- the file

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """A POST, since the export is an event itself."""
        if not self.may_export(request):
            raise PermissionDenied
        shown = self.whole_list(request)
        if shown is None:
            return self.refuse_list(request)
        _event, keys = exporting.begin(
            shown.queryset,
            actor=actor_of(request),
            listed=self.export_name,
            filters=codes(shown),
            action=self.export_action,
        )
        found = exporting.batches(keys, self.export_rows(request))
        rows = (self.export_cells(row) for batch in found for row in batch)
        return self.export_file([column.name for column in self.export_columns], rows)

    def export_cells(self, row: Any) -> list[str]:
        """In English, whoever exports: rows are read while the answer is on its way, in no language of anybody's."""
        with translation.override("en"):
            return [column.cell(row) for column in self.export_columns]

    def export_file(self, columns: Sequence[str], rows: Iterator[Sequence[str]]) -> StreamingHttpResponse:
        response = StreamingHttpResponse(
            spreadsheet.as_csv(columns, rows), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{self.export_name}.csv"'
        return response

    def listed(self, request: HttpRequest) -> Listed:
        """The list as the address narrows and sorts it. Raises IncorrectLookupParameters, or SuspiciousOperation."""
        return self.get_changelist_instance(request)

    def whole_list(self, request: HttpRequest) -> Listed | None:
        """The list as the address narrows and sorts it, all its pages; None where it cannot be narrowed so."""
        query = request.GET.copy()
        query.pop("p", None)
        request.GET = query  # type: ignore[assignment]
        try:
            return self.listed(request)
        except (IncorrectLookupParameters, SuspiciousOperation):
            return None

    def refuse_list(self, request: HttpRequest) -> HttpResponseRedirect:
        messages.error(request, _("Nothing was exported. These filters are not valid."))
        return HttpResponseRedirect(self._list_address)


def codes(shown: Listed) -> list[str]:
    """How a list is narrowed, for the trail: `name=value` where the value is one of the filter's own, else the name
    alone. What somebody typed is never repeated.
    """
    found = ["search"] if shown.query else []
    for spec in shown.filter_specs:
        given = {name: shown.params[name] for name in spec.expected_parameters() if name in shown.params}
        offered = [
            parse_qs(str(choice.get("query_string", "")).lstrip("?")) for choice in spec.choices(shown)
        ]
        for name, values in given.items():
            value = values[-1] if isinstance(values, list) else values
            known = value == "1" or any([value] == choice.get(name) for choice in offered)
            found.append(f"{name}={value}" if known else name)
    return found


def filters_text(shown: Listed) -> list[str]:
    """How a list is narrowed, for whoever looks."""
    found = []
    for spec in shown.filter_specs:
        title = capfirst(str(spec.title))
        if any(name in shown.params for name in spec.expected_parameters()):
            chosen = [str(choice["display"]) for choice in spec.choices(shown) if choice["selected"]]
            # A chip has one choice, called as it is itself.
            found += [title if words == title else f"{title}: {words}" for words in chosen]
    return found


# --- cells


def instant(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def day(on: date | None) -> str:
    return on.isoformat() if on else ""


def name(row: Any) -> str:
    """What a person, a case or a processor is called; nothing for nobody."""
    return str(row) if row else ""
