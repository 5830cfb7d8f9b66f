"""The list of cases as a page: what it holds, in which order, and what it is narrowed to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, cast
from urllib.parse import urlencode

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from cases.admin import paging
from cases.admin.worklist import chip_counts, neighbours, offered, order, registry
from cases.admin.worklist.conditions import Asked, Asker, anybody, asker_of, capped
from cases.admin.worklist.filter_state import FilterState
from cases.admin.worklist.offered import Words
from cases.lifecycle import RequestStatus
from cases.models import AttentionItem, Case, ProcessorRequest
from cases.services.processors import pausing
from cases.services.status import whose_turn
from cases.services.worklist import saved_views
from dsrportal.database.prepared import Given, IsAnyOf, Prepared, ask, know
from dsrportal.models import User
from integrations.models import Processor

PER_PAGE: Final = 50

Questions = tuple[Prepared[Case], Prepared[int]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One filter of the panel that is set, and the address without it."""

    title: Words
    words: str
    address: str


class CaseList:
    """What templates, Django's tags and our exports know of a list, which a ChangeList of Django's would be.

    That builds each of its queries anew for every page; these are prepared.
    """

    is_popup = show_all = can_show_all = False
    query = ""

    def __init__(self, request: HttpRequest) -> None:
        """Raises DisallowedModelAdminLookup for a parameter that is none of ours, IncorrectLookupParameters for a page
        that there is not."""
        self.request, self.asked = request, cast(Asked, request.GET)
        self.opts = Case._meta
        self.filter_params = {
            name: values for name, values in request.GET.lists() if name not in (PAGE_VAR, ERROR_FLAG)
        }
        for name in self.filter_params:
            if name not in registry.PARAMETERS | {order.PARAMETER, *IGNORED_PARAMS}:
                raise DisallowedModelAdminLookup(f"Filtering by {name} not allowed")
        self.params = {name: values[-1] for name, values in self.filter_params.items()}
        self.asker = asker_of(request, self.asked)
        self._look()
        self.name = neighbours.remember(request)

    @cached_property
    def queryset(self) -> QuerySet[Any]:
        """All that it holds, in its order: for whoever works or exports the whole of it."""
        return registry.narrowed(self.asker, self.asked).order_by(*order.ordering(self.asked))

    # --- what it holds

    def _look(self) -> None:
        """Two round trips: one for the cases and what can be chosen, one for what is known of these cases."""
        self.page_num = self._page()
        rows, counting = self._questions()
        values = self.asker.values
        cases, counted, self.saved_views, *tables = ask(
            rows.given(**values),
            counting.given(**values),
            saved_views.VISIBLE.given(user=self.asker.user),
            *offered.asking(self.asker.user),
        )
        self.offered = offered.read(self.request, *tables)
        self.paginator = paging.Counted(counted[0], PER_PAGE)
        self.result_count = self.paginator.count
        self.multi_page = self.result_count > PER_PAGE
        if not self.multi_page and self.page_num > 1:
            # Django shows a list of one page whatever page is asked for.
            self.page_num = 1
            cases = self._questions()[0].ask(**values)
        if self.page_num > self.paginator.num_pages:
            raise IncorrectLookupParameters
        self.result_list = _with_what_is_known(cases, self.offered.processors, now=self.asker.now)

    def _page(self) -> int:
        """The page that is asked for; what cannot be one counts as the page behind the last that there can be."""
        behind = paging.CAP // PER_PAGE + 1
        try:
            page = int(self.request.GET.get(PAGE_VAR, 1))
        except ValueError:
            return 1
        return page if 1 <= page <= behind else behind

    def _questions(self) -> Questions:
        if not registry.is_steady(self.asked):
            return _questions(self.asker, self.asked, self.page_num, paging.CAP)
        shape = registry.parameters(self.asked)
        return _prepared(shape, self.asker.zone, self.asker.may_approve, self.page_num, paging.CAP)

    def url_for_result(self, result: Any) -> str:
        return neighbours.page_in(self.name, result.pk)

    # --- addresses: in words of ours, not by a column's number, since those change as columns come and go

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """With these parameters, and without those: no others that begin alike, as `due_from` with `due`."""
        asked = {name: value for name, value in self.filter_params.items() if name not in (remove or ())}
        for name, value in (new_params or {}).items():
            asked.pop(name, None)
            if value is not None:
                asked[name] = value
        return "?" + urlencode(sorted(asked.items()), doseq=True)

    @property
    def clear_all_filters_qs(self) -> str:
        return self.get_query_string(remove=registry.PARAMETERS)

    # --- chips, menus and the panel

    @cached_property
    def filter_specs(self) -> list[FilterState]:
        """By the name that exports know from Django's lists."""
        shown = (each for each in registry.FILTERS if each is not registry.FOUND or self.offered.found)
        return [FilterState(each, self.asked, self.offered, self.request.user.has_perm) for each in shown]

    @property
    def has_active_filters(self) -> bool:
        return any(name in self.params for spec in self.filter_specs for name in spec.expected_parameters())

    @property
    def chips(self) -> Iterator[dict[str, Any]]:
        """Of whoever may have them, with how many open cases each concerns."""
        offered = [flag for flag in registry.CHIPS if self.request.user.has_perm(flag.permission)]
        counts = chip_counts.counts(offered, self.asker)
        for flag, spec in zip(registry.CHIPS, self.filter_specs, strict=False):
            for choice in spec.choices(self):
                yield {**choice, "explained": flag.explained, "count": capped(counts[flag.name])}

    @property
    def menus(self) -> list[tuple[Words, list[dict[str, Any]]]]:
        return [
            (spec.title, list(spec.choices(self)))
            for spec in self.filter_specs
            if spec.filter in (registry.FOUND, *registry.MENUS)
        ]

    @cached_property
    def panel(self) -> list[FilterState]:
        return [spec for spec in self.filter_specs if spec.filter in (*registry.PANEL, *registry.DAYS)]

    @cached_property
    def chosen(self) -> list[Chosen]:
        return [
            Chosen(spec.title, words, self.get_query_string(remove=spec.expected_parameters()))
            for spec in self.panel
            if (words := spec.words)
        ]

    @property
    def outside_the_panel(self) -> Iterator[tuple[str, str]]:
        """What the panel's form carries along."""
        own = {name for spec in self.panel for name in spec.expected_parameters()}
        for name, values in self.filter_params.items():
            if name not in own:
                yield from ((name, str(value)) for value in values)


# --- the questions


@lru_cache(maxsize=256)
def _prepared(
    parameters: registry.Parameters, _zone: str, may_approve: bool, page: int, most: int
) -> Questions:
    """Those of an address, for whoever asks; the zone shapes them through the midnights that days are cut at."""
    return _questions(anybody(may_approve=may_approve), dict(parameters), page, most)


def _questions(asker: Asker, asked: Asked, page: int, most: int) -> Questions:
    """One page of a list, and how many cases it holds up to a cap."""
    first = (page - 1) * PER_PAGE

    def rows() -> QuerySet[Any]:
        cases = registry.narrowed(asker, asked).select_related("assignee")
        return cases.order_by(*order.ordering(asked))[first : first + PER_PAGE]

    def count() -> QuerySet[Any, Any]:
        counted = paging.CountUpTo(registry.narrowed(asker, asked).values("pk")[: most + 1])
        return User.objects.filter(pk=asker.user).values_list(counted, flat=True)

    return Prepared(rows), Prepared(count)


def standing_requests() -> QuerySet[ProcessorRequest]:
    """Without what was replaced, and what was dropped from a plan before anybody approved it."""
    dropped = Q(status=RequestStatus.CANCELLED, queued_at__isnull=True)
    return ProcessorRequest.objects.filter(replaced_by__isnull=True).exclude(dropped)


def _requests() -> QuerySet[ProcessorRequest]:
    of_cases = standing_requests().filter(IsAnyOf(F("case"), Given("cases")))
    return of_cases.select_related("task__assignee").annotate(package=F("result_package"))


_REQUESTS: Final = Prepared(_requests)
_OPEN_ITEMS: Final = Prepared(
    lambda: AttentionItem.objects.filter(
        IsAnyOf(F("case"), Given("cases")), resolved_at__isnull=True
    ).order_by("opened_at")
)


def _with_what_is_known(cases: list[Any], processors: Iterable[Processor], *, now: Any) -> list[Any]:
    """Each with its `standing` and its `standing_requests`."""
    keys = [case.pk for case in cases]
    requests, items, paused = ask(
        _REQUESTS.given(cases=keys), _OPEN_ITEMS.given(cases=keys), pausing.EVERYTHING_PAUSED.given()
    )
    by_key = {processor.pk: processor for processor in processors}
    for request in requests:
        if processor := by_key.get(request.processor_id):
            know(request, processor=processor)
    standings = whose_turn.for_listed(
        cases,
        requests=((request, request.package is not None) for request in requests),
        items=items,
        all_paused=bool(paused),
        now=now,
    )
    by_case: dict[int, list[ProcessorRequest]] = defaultdict(list)
    for request in requests:
        by_case[request.case_id].append(request)
    for case in cases:
        case.standing, case.standing_requests = standings[case.pk], by_case[case.pk]
    return cases
