"""The list of cases as a page: each row knows where it stands, and the list in which order and which panel it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise

from cases.admin.worklist import neighbours, order
from cases.services.status import whose_turn


@dataclass(frozen=True, slots=True)
class Chosen:
    """One filter of the panel that is set, and the address without it."""

    title: Promise | str
    words: str
    address: str


class CaseList(ChangeList):
    request: HttpRequest

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(request, *args, **kwargs)
        self.name = neighbours.remember(request)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        standings = whose_turn.for_cases(self.result_list, now=timezone.now())
        for case in self.result_list:
            case.standing = standings[case.pk]

    def url_for_result(self, result: Any) -> str:
        return f"{super().url_for_result(result)}?{neighbours.PARAMETER}={self.name}"

    # --- in words of ours, not by a column's number: those change as columns come and go

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        found.pop(order.PARAMETER, None)
        return found

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(order.ordering(request))

    def get_ordering_field_columns(self) -> dict[int, Any]:
        first = order.keys(self.request.GET)[0]
        for name, column in order.COLUMNS.items():
            if column == first.column:
                return {self.list_display.index(name): "desc" if first.descending else "asc"}
        return {}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Django's takes away all that begins alike: `due_from` with `due`."""
        asked = {name: value for name, value in self.filter_params.items() if name not in (remove or ())}
        for name, value in (new_params or {}).items():
            if name == ORDER_VAR:
                name, value = order.PARAMETER, self._sort(str(value or ""))
            asked.pop(name, None)
            if value is not None:
                asked[name] = value
        return "?" + urlencode(sorted(asked.items()), doseq=True)

    def _sort(self, columns: str) -> str | None:
        """The first of Django's numbered columns, by name."""
        first = columns.partition(".")[0]
        number = first.lstrip("-")
        if not number.isdecimal():
            return None
        return ("-" if first.startswith("-") else "") + str(self.list_display[int(number)])

    # --- chips, menus and the panel

    @property
    def chips(self) -> list[Any]:
        return [spec for spec in self.filter_specs if getattr(spec, "chip", False)]

    @property
    def menus(self) -> list[Any]:
        return [
            spec
            for spec in self.filter_specs
            if not getattr(spec, "chip", False) and not getattr(spec, "more", False)
        ]

    @property
    def panel(self) -> list[Any]:
        return [spec for spec in self.filter_specs if getattr(spec, "more", False)]

    @property
    def chosen(self) -> list[Chosen]:
        return [
            Chosen(spec.title, spec.words, self.get_query_string(remove=spec.parameters()))
            for spec in self.panel
            if spec.words
        ]

    @property
    def outside_the_panel(self) -> Iterator[tuple[str, str]]:
        """What the panel's form carries along."""
        own = {name for spec in self.panel for name in spec.parameters()}
        for name, values in self.filter_params.items():
            if name not in own:
                yield from ((name, str(value)) for value in values)
