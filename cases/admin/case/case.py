"""Cases at the desk: the list, the page of one, and the doors to opening, searching and every verb."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.admin.bulk import start as bulk_start
from cases.admin.bulk import verbs as bulk_verbs
from cases.admin.case import duplicate, page, rows
from cases.admin.intake import opening as intake_opening
from cases.admin.readonly import DeskAdmin
from cases.admin.sections import presence
from cases.admin.verbs import page as verb_page
from cases.admin.worklist import neighbours, search
from cases.admin.worklist import registry as worklist_registry
from cases.admin.worklist import views as worklist_views
from cases.admin.worklist.changelist import CaseList, standing_requests
from cases.admin.worklist.conditions import with_due_date
from cases.admin.worklist.export import ExportedCases
from cases.models import Case

Context = dict[str, Any]


@admin.register(Case)
class CaseAdmin(ExportedCases, DeskAdmin):
    change_list_template = "portal/worklist/changelist.html"
    # A case knows the list that it was opened from by a word of the session's.
    preserve_filters = False

    # --- addresses: what is not here does not exist; there is no editing, no deleting and no history of Django's

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        return [
            *self.export_urls(),
            path("", view(self.changelist_view), name="cases_case_changelist"),
            path("add/", view(self.open_view), name="cases_case_add"),
            path("search/", view(require_POST(self.search_view)), name="cases_case_search"),
            path("views/add/", view(require_POST(self.save_view_view)), name="cases_savedview_add"),
            path("views/<int:view_id>/change/", view(self.saved_view_view), name="cases_savedview_change"),
            path("bulk/<slug:verb>/", view(require_POST(self.bulk_view)), name="cases_case_bulk"),
            path("<int:case_id>/change/", view(self.page_view), name="cases_case_change"),
            path(
                "<int:case_id>/duplicate/<int:other_id>/",
                view(self.duplicate_view),
                name="cases_case_duplicate",
            ),
            path(
                "<int:case_id>/duplicate/<int:other_id>/<slug:verb>/",
                view(require_POST(self.duplicate_verb_view)),
                name="cases_case_duplicate_verb",
            ),
            path(
                "<int:case_id>/presence/",
                view(require_POST(presence.presence_view)),
                name="cases_case_presence",
            ),
            path("<int:case_id>/<slug:verb>/", view(self.verb_view), name="cases_case_verb"),
            path("<int:case_id>/<slug:verb>/<slug:part>/", view(self.verb_view), name="cases_case_verb_on"),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _context(self, request: HttpRequest) -> Context:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    # --- pages

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "GET" and "" in request.GET.values():  # fields of the panel that were left empty
            said = [(name, value) for name, value in request.GET.items() if value]
            return HttpResponseRedirect(f"{request.path}?{urlencode(said)}")
        expired = search.expired(request)
        if expired:
            messages.warning(request, _("That search has expired. Search again."))
        for problem in worklist_registry.problems(request.GET):
            messages.error(request, problem)
        try:
            listed = CaseList(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        context = self._context(request) | self.export_context(request)
        context |= {
            "title": self.opts.verbose_name_plural,
            "cl": listed,
            "has_add_permission": self.has_add_permission(request),
            "found": search.asked(request),
            "expired": expired,
            "views": worklist_views.views(request, listed.saved_views),
            "bulk_verbs": bulk_verbs.allowed(request),
            "bulk_query": request.GET.urlencode(),
        }
        return TemplateResponse(request, self.change_list_template, {**context, **(extra_context or {})})

    def save_view_view(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perms(["cases.view_case", worklist_views.KEEP]):
            raise PermissionDenied
        return worklist_views.save(request)

    def saved_view_view(self, request: HttpRequest, view_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return worklist_views.change(request, self._context(request), view_id)

    def open_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return intake_opening.open_case(request, self._context(request))

    def search_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return search.search(request)

    def page_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = rows.load(case_id, with_files=request.user.has_perm("cases.view_attachment"))
        if found is None:
            raise Http404
        case = found.case
        context = self._context(request)
        context |= {
            "title": case.reference,
            "case": case,
            "page": page.case_page(request, found, all_paused=context["pauses"].everything),
            "neighbours": neighbours.of_case(request, case, due_at=found.clock.due_at),
        }
        return TemplateResponse(request, "portal/case/page.html", context)

    def verb_view(self, request: HttpRequest, case_id: int, verb: str, part: str = "") -> HttpResponseBase:
        return verb_page.verb_page(request, self._context(request), case_id, verb, part)

    def duplicate_view(self, request: HttpRequest, case_id: int, other_id: int) -> HttpResponse:
        return duplicate.compare(request, self._context(request), case_id, other_id)

    def duplicate_verb_view(
        self, request: HttpRequest, case_id: int, other_id: int, verb: str
    ) -> HttpResponse:
        return duplicate.decide(request, case_id, other_id, verb)

    # --- many at once

    def bulk_view(self, request: HttpRequest, verb: str) -> HttpResponse:
        return bulk_start.ask(request, self._context(request), verb, lambda: self.whole_list(request))

    # --- the list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        """What the columns of an export are read from."""
        standing = Prefetch("requests", standing_requests().select_related("processor"))
        return with_due_date().select_related("assignee").prefetch_related(standing)

    def listed(self, request: HttpRequest) -> CaseList:
        return CaseList(request)
