"""Runs of work on many cases: the list of them, and the page of one with its preview, its progress and its results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from cases.actor import Actor
from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.bulk import words
from cases.admin.readonly import ReadOnlyAdmin, moment
from cases.lifecycle import RequestStatus
from cases.models import BulkRow, BulkRun, BulkState, BulkVerb, ProcessorRequest, RowState
from cases.services.bulk import runs as bulk_runs
from cases.services.bulk import undo as bulk_undo
from cases.services.bulk import work as bulk_work
from cases.services.bulk.rules import RULES
from cases.services.refusal import Refused

Context = dict[str, Any]
ROWS: Final = 50
STOPPABLE: Final = (BulkState.PREPARING, BulkState.PREVIEWED, BulkState.RUNNING)


@dataclass(frozen=True, slots=True)
class Act:
    """What can be done to a run: one service call, and what is said after it."""

    call: Callable[[BulkRun, Actor], Any]
    told: Callable[[], str]


ACTS: Final[dict[str, Act]] = {
    "confirm": Act(lambda run, actor: bulk_runs.begin(run, actor=actor), lambda: _("Started.")),
    "stop": Act(
        lambda run, actor: bulk_runs.stop(run, actor=actor),
        lambda: _("Stopped. Cases that were not started remain unchanged."),
    ),
    "retry": Act(lambda run, actor: bulk_runs.retry(run, actor=actor), lambda: _("Retrying.")),
    "undo": Act(
        lambda run, actor: bulk_undo.undo_all(run, actor=actor),
        lambda: _("Undoing. No more of these requests will be sent."),
    ),
}


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("Status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(BulkState.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class KnownPaginator(Paginator):
    """Pages of rows whose number is known already."""

    known = 0

    @cached_property
    def count(self) -> int:
        return self.known


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnlyAdmin):
    list_display = ("started", "verb_label", "who", "state_badge", "cases", "went_well", "went_wrong")
    list_display_links = None
    list_filter = (StateFilter, "verb")
    list_select_related = ("created_by",)
    ordering = ("-created_at",)
    change_list_template = "portal/bulk/runs.html"

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        return [
            path("", view(self.changelist_view), name="cases_bulkrun_changelist"),
            path("<uuid:run_id>/change/", view(require_safe(self.page_view)), name="cases_bulkrun_change"),
            path(
                "<uuid:run_id>/progress/",
                view(require_safe(self.progress_view)),
                name="cases_bulkrun_progress",
            ),
            path("<uuid:run_id>/do/<slug:act>/", view(require_POST(self.act_view)), name="cases_bulkrun_do"),
            path(
                "<uuid:run_id>/undo/<int:row_id>/",
                view(require_POST(self.undo_view)),
                name="cases_bulkrun_undo",
            ),
        ]

    # --- pages

    def _run(self, request: HttpRequest, run_id: UUID) -> BulkRun:
        if not request.user.has_perms(["cases.view_case", "cases.view_bulkrun"]):
            raise PermissionDenied
        return get_object_or_404(
            BulkRun.objects.select_related("created_by", "undone_by", "data_key"), pk=run_id
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perms(["cases.view_case", "cases.view_bulkrun"])

    def page_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        run = self._run(request, run_id)
        counts = bulk_runs.counts(run)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Bulk run: %(verb)s") % {"verb": run.get_verb_display()},
            "run": run,
            "badge": words.state_badge(run),
            "preview": words.preview(run) if run.state == BulkState.PREVIEWED else None,
            "may": _may(request, run, counts),
            **_progress(run, counts),
            **_rows(request, run, counts),
        }
        return TemplateResponse(request, "portal/bulk/run.html", context)

    def progress_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """The part of the page that is fetched anew while the run goes on."""
        run = self._run(request, run_id)
        context = {"run": run, **_progress(run, bulk_runs.counts(run))}
        return TemplateResponse(request, "portal/bulk/progress.html", context)

    def act_view(self, request: HttpRequest, run_id: UUID, act: str) -> HttpResponse:
        run = self._run(request, run_id)
        if act not in ACTS or not request.user.has_perm(RULES[run.verb].permission):
            raise PermissionDenied
        try:
            ACTS[act].call(run, actor_of(request))
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, ACTS[act].told())
        return _back(run)

    def undo_view(self, request: HttpRequest, run_id: UUID, row_id: int) -> HttpResponse:
        run = self._run(request, run_id)
        if not request.user.has_perm(RULES[BulkVerb.APPROVE].permission):
            raise PermissionDenied
        row = get_object_or_404(BulkRow.objects.select_related("run", "case"), pk=row_id, run=run)
        try:
            bulk_undo.undo(row, actor=actor_of(request))
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(
                request,
                _("The approval of %(reference)s was undone.") % {"reference": row.case.reference},
            )
        return _back(run)

    # --- the list

    @admin.display(description=gettext_lazy("Previewed"))
    def started(self, run: BulkRun) -> SafeString:
        address = reverse("admin:cases_bulkrun_change", args=[run.pk])
        return format_html('<a class="row-title" href="{}">{}</a>', address, moment(run.created_at))

    @admin.display(description=gettext_lazy("What"))
    def verb_label(self, run: BulkRun) -> str:
        return run.get_verb_display()

    @admin.display(description=gettext_lazy("Who"))
    def who(self, run: BulkRun) -> str:
        return run.created_by.get_username()

    @admin.display(description=gettext_lazy("Status"))
    def state_badge(self, run: BulkRun) -> SafeString:
        return words.state_badge(run)

    @admin.display(description=gettext_lazy("Cases"))
    def cases(self, run: BulkRun) -> str:
        return widgets.number(run.total)

    @admin.display(description=gettext_lazy("Done"))
    def went_well(self, run: BulkRun) -> str:
        return widgets.number(run.counts.get(RowState.DONE, 0)) if run.confirmed_at else "–"

    @admin.display(description=gettext_lazy("Refused or failed"))
    def went_wrong(self, run: BulkRun) -> str:
        wrong = run.counts.get(RowState.REFUSED, 0) + run.counts.get(RowState.FAILED, 0)
        return widgets.number(wrong) if run.confirmed_at else "–"


def _back(run: BulkRun) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:cases_bulkrun_change", args=[run.pk]))


def _may(request: HttpRequest, run: BulkRun, counts: dict[str, int]) -> dict[str, bool]:
    """Which buttons are worth offering; the services decide."""
    if not request.user.has_perm(RULES[run.verb].permission):
        return {}
    mine = run.created_by_id == request.user.pk
    again = any(counts.get(state) for state in (RowState.REFUSED, RowState.FAILED, RowState.WAITING))
    ended = run.state in {BulkState.DONE, BulkState.CANCELLED}
    return {
        "confirm": mine and run.state == BulkState.PREVIEWED and bool(counts.get(RowState.WAITING)),
        "stop": run.state in STOPPABLE,
        "retry": mine and ended and run.confirmed_at is not None and again,
        "undo": run.state != BulkState.UNDOING and bulk_undo.undoable(run),
    }


def _progress(run: BulkRun, counts: dict[str, int]) -> Context:
    """How far what goes on has come; what was left out is no part of it."""
    left_out, waiting = counts.get(RowState.LEFT_OUT, 0), counts.get(RowState.WAITING, 0)
    total = run.total - left_out
    done = total - waiting
    if run.state == BulkState.PREPARING:
        unread = BulkRow.objects.filter(run=run, state=RowState.WAITING, digest="").count()
        done = total - unread
    elif run.state == BulkState.UNDOING:
        undone = counts.get(RowState.UNDONE, 0)
        total, done = undone + counts.get(RowState.UNDOING, 0), undone
    return {
        "going_on": run.state in bulk_work.OPEN,
        "total": total,
        "done": done,
        "tallies": [
            (state, RowState(state).label, counts[state]) for state in RowState.values if counts.get(state)
        ],
    }


def _rows(request: HttpRequest, run: BulkRun, counts: dict[str, int]) -> Context:
    """One page of the rows, narrowed to a state where one is asked for."""
    state = request.GET.get("state", "")
    state = state if state in RowState.values else ""
    rows = BulkRow.objects.filter(run=run, **({"state": state} if state else {}))
    pages = KnownPaginator(rows.select_related("case").order_by("pk"), ROWS)
    pages.known = counts.get(state, 0) if state else run.total
    page = pages.get_page(request.GET.get("p"))
    shown = list(page.object_list)
    until = _cooling(run, shown)
    lines = [
        {
            "row": row,
            "badge": words.row_badge(row),
            "why": words.why(row),
            "until": until.get(row.case_id) if row.state == RowState.DONE else None,
        }
        for row in shown
    ]
    return {"lines": lines, "page": page, "state": state}


def _cooling(run: BulkRun, rows: list[BulkRow]) -> dict[int, Any]:
    """Until when each of these cases cools off; not those that do not."""
    if run.verb != BulkVerb.APPROVE:
        return {}
    waiting = ProcessorRequest.objects.filter(
        case__in=[row.case_id for row in rows],
        status=RequestStatus.QUEUED,
        not_before_at__isnull=False,
    ).order_by()
    return dict(waiting.values_list("case").annotate(Max("not_before_at")))
