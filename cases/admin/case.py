"""Cases at the desk: the list, the page of one, and the doors to opening, searching and every verb."""

from datetime import datetime
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import F, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from cases.admin import case_page, marks, opening, presence, search, verb_page
from cases.admin.case_filters import (
    AssigneeFilter,
    DueFilter,
    FollowUpFilter,
    FoundFilter,
    RiskFilter,
    StatusFilter,
    StuckFilter,
    TagFilter,
    with_due_date,
)
from cases.admin.readonly import DeskAdmin
from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import Case, ProcessorRequest
from cases.services import standing, whereabouts

Context = dict[str, Any]
MOST_MARKS: Final = 6


class CaseList(ChangeList):
    """Each case on the page knows where it stands."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        standings = standing.of_all(self.result_list, now=timezone.now())
        for case in self.result_list:
            case.standing = standings[case.pk]


@admin.register(Case)
class CaseAdmin(DeskAdmin):
    list_display = (
        "reference",
        "type",
        "law",
        "status_badge",
        "turn",
        "assigned",
        "due",
        "answers",
        "received",
    )
    list_filter = (
        FoundFilter,
        StuckFilter,
        RiskFilter,
        StatusFilter,
        AssigneeFilter,
        "type",
        "regulation",
        DueFilter,
        FollowUpFilter,
        TagFilter,
    )
    list_select_related = False
    sortable_by = ("reference", "due", "received")
    change_list_template = "portal/cases.html"

    # --- addresses: what is not here does not exist; there is no editing, no deleting and no history of Django's

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        return [
            path("", view(self.changelist_view), name="cases_case_changelist"),
            path("add/", view(self.open_view), name="cases_case_add"),
            path("search/", view(require_POST(self.search_view)), name="cases_case_search"),
            path("<int:case_id>/change/", view(self.page_view), name="cases_case_change"),
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
        expired = search.expired(request)
        if expired:
            messages.warning(request, _("The result of that search is no longer kept; search again."))
        found = {"found": search.asked(request), "expired": expired}
        return super().changelist_view(request, {**(extra_context or {}), **found})

    def open_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return opening.open_case(request, self._context(request))

    def search_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return search.search(request)

    def page_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        case = case_page.load(case_id)
        if case is None:
            raise Http404
        page = case_page.case_page(request, case)
        context = {**self._context(request), "title": case.reference, "case": case, "page": page}
        return TemplateResponse(request, "portal/case.html", context)

    def verb_view(self, request: HttpRequest, case_id: int, verb: str, part: str = "") -> HttpResponseBase:
        return verb_page.verb_page(request, self._context(request), case_id, verb, part)

    # --- the list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        # Without what was dropped from a plan before anybody approved it.
        dropped = Q(status=RequestStatus.CANCELLED, queued_at__isnull=True)
        current = ProcessorRequest.objects.filter(replaced_by__isnull=True).exclude(dropped)
        current = current.select_related("processor")
        return with_due_date().select_related("assignee").prefetch_related(Prefetch("requests", current))

    def get_changelist(self, request: HttpRequest, **_more: Any) -> type[ChangeList]:
        return CaseList

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        status = request.GET.get("status", "")
        if status == CaseStatus.CLOSED:
            return ["-closed_at"]
        if status == "all" or search.asked(request):
            return [F("closed_at").desc(nulls_first=True), "due_at"]
        return ["due_at"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        filters = (
            StatusFilter,
            AssigneeFilter,
            DueFilter,
            FollowUpFilter,
            TagFilter,
            StuckFilter,
            RiskFilter,
        )
        own = {each.parameter_name for each in filters}
        return lookup in {"type__exact", "regulation__exact", search.PARAMETER, *own}

    @admin.display(description=gettext_lazy("Law"))
    def law(self, case: Case) -> str:
        return case.get_regulation_display()

    @admin.display(description=gettext_lazy("Status"))
    def status_badge(self, case: Case) -> SafeString:
        return marks.case_badge(case.status)

    @admin.display(description=gettext_lazy("Whose turn"))
    def turn(self, case: Any) -> SafeString:
        stands: whereabouts.Standing = case.standing
        return format_html(
            '<span class="turn" title="{}"><span class="who">{}</span><span class="since">{}</span></span>',
            stands.sentence,
            stands.turn,
            _("since %(when)s") % {"when": whereabouts.when(stands.since, now=timezone.now())},
        )

    @admin.display(description=gettext_lazy("Assignee"))
    def assigned(self, case: Case) -> SafeString | str:
        return (
            case.assignee.get_username()
            if case.assignee
            else format_html('<span class="muted">{}</span>', "–")
        )

    @admin.display(description=gettext_lazy("Due"), ordering="due_at")
    def due(self, case: Case) -> SafeString:
        due_at: datetime | None = getattr(case, "due_at", None)
        if due_at is None:
            return format_html("–")
        due_on = date_format(case.due_on, "d M Y")  # type: ignore[attr-defined]
        if case.status == CaseStatus.CLOSED:
            return format_html('<span class="due muted">{}</span>', due_on)
        days = marks.days_left(due_at)
        return format_html(
            '<span class="due due-{}">{}<span class="due-left">{}</span></span>',
            marks.due_tone(days),
            due_on,
            marks.days_in_words(days),
        )

    @admin.display(description=gettext_lazy("Answers"))
    def answers(self, case: Case) -> SafeString:
        requests = case.requests.all()
        if not requests:
            words = _("Nobody was asked") if case.status == CaseStatus.CLOSED else _("Not planned yet")
            return format_html('<span class="muted" title="{}">–</span>', words)
        shown = format_html_join(
            "", "{}", ((marks.request_mark(request),) for request in requests[:MOST_MARKS])
        )
        more = f"+{len(requests) - MOST_MARKS}" if len(requests) > MOST_MARKS else ""
        return format_html('<span class="marks">{}{}</span>', shown, more)

    @admin.display(description=gettext_lazy("Received"), ordering="received_at")
    def received(self, case: Case) -> str:
        return marks.day(case.received_at)
