"""The audit trail: every event, its place in its chain, and the proof that the chain holds."""

import json
from collections.abc import Callable
from typing import Any, Final

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
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from cases.admin import audit_export
from cases.admin.acting import actor_of
from cases.admin.audit_words import reason_in_words, who
from cases.admin.readonly import DayFilter, ReadOnlyAdmin, moment
from cases.models import Action, AuditChain, AuditEvent
from cases.models.audit import in_general
from cases.services import audit, audit_review

Context = dict[str, Any]
# How many places of a broken chain are told at once.
TOLD: Final = 5


class ActionFilter(admin.SimpleListFilter):
    title = gettext_lazy("What")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(action.value, in_general(action)) for action in Action]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    when_empty = gettext_lazy("Nothing has happened yet. Whatever people and the portal do is written here.")
    list_display = ("written", "who", "what", "case_link", "source", "address")
    list_display_links = ("written",)
    list_filter = (ActionFilter, "source", ("at", DayFilter))
    list_select_related = ("case",)
    ordering = ("-id",)
    search_fields = ("case__reference__exact",)
    search_help_text = gettext_lazy("Case reference")
    change_list_template = "admin/cases/auditevent/change_list.html"
    change_form_template = "admin/cases/auditevent/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        guarded: dict[str, tuple[Callable[..., HttpResponseBase], str]] = {
            "<int:event_id>/verify/": (self.verify_view, "cases_auditevent_verify"),
            "verify/": (self.verify_page_view, "cases_auditevent_verify_page"),
            "export/": (self.export_view, "cases_auditevent_export"),
        }
        own = [
            path(route, self.admin_site.admin_view(require_POST(view)), name=name)
            for route, (view, name) in guarded.items()
        ]
        return [*own, *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, search_term.strip().upper())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        event = self.get_object(request, object_id)
        context = _page(event) if isinstance(event, AuditEvent) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def verify_view(self, request: HttpRequest, event_id: int) -> HttpResponse:
        """Walk the event's whole chain and say whether it holds. Changes nothing, so that anyone who reads may."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        _tell(request, get_object_or_404(AuditEvent, pk=event_id).chain)
        return HttpResponseRedirect(reverse("admin:cases_auditevent_change", args=[event_id]))

    def verify_page_view(self, request: HttpRequest) -> HttpResponse:
        """Walk the chains of the events on one page of the list, each once, and say what was found."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chains = list(dict.fromkeys(request.POST.getlist("chain")))[: self.list_per_page]
        broken = [chain for chain in chains if not _tell(request, chain, quiet=True)]
        if chains and not broken:
            messages.success(request, _all_hold(len(chains)))
        query = request.GET.urlencode()
        return HttpResponseRedirect(
            reverse("admin:cases_auditevent_changelist") + (f"?{query}" if query else "")
        )

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list is narrowed to, all pages of it. A POST, since the export is an event itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        query = request.GET.copy()
        query.pop("p", None)
        request.GET = query  # type: ignore[assignment]
        try:
            events = self.get_changelist_instance(request).queryset
        except (IncorrectLookupParameters, SuspiciousOperation):
            messages.error(request, _("Nothing was exported: the list cannot be narrowed like that."))
            return HttpResponseRedirect(reverse("admin:cases_auditevent_changelist"))
        events = events.select_related("case", "processor").only(*audit_export.FIELDS)
        found = audit_review.export(events, actor=actor_of(request))
        response = StreamingHttpResponse(audit_export.as_csv(found), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="audit-events.csv"'
        return response

    @admin.display(description=gettext_lazy("When"))
    def written(self, event: AuditEvent) -> str:
        return moment(event.at)

    @admin.display(description=gettext_lazy("Who"))
    def who(self, event: AuditEvent) -> str:
        return who(event)

    @admin.display(description=gettext_lazy("What"))
    def what(self, event: AuditEvent) -> SafeString:
        reason = reason_in_words(event)
        muted = format_html(' <span class="muted">{}</span>', reason) if reason else ""
        return format_html(
            '<span class="truncate" title="{}">{}{}</span>', event.sentence, event.sentence, muted
        )

    @admin.display(description=gettext_lazy("Case"))
    def case_link(self, event: AuditEvent) -> SafeString | str:
        if event.case is None:
            return ""
        address = reverse("admin:cases_case_change", args=[event.case.pk])
        return format_html('<a href="{}">{}</a>', address, event.case.reference)


def _page(event: AuditEvent) -> Context:
    return {
        "event": event,
        "who": who(event),
        "source": event.get_source_display(),
        "reason": reason_in_words(event),
        "details": json.dumps(event.details, indent=2, ensure_ascii=False, sort_keys=True),
        "previous_hash": bytes(event.previous_hash).hex(),
        "hash": bytes(event.hash).hex(),
    }


def _holds(chain: str) -> str:
    head = AuditChain.objects.filter(name=chain).first()
    count = head.sequence if head else 0
    return ngettext(
        "The chain “%(chain)s” holds: its one event is as it was written.",
        "The chain “%(chain)s” holds: all %(count)d events are as they were written, in order, and none is missing.",
        count,
    ) % {"chain": chain, "count": count}


def _tell(request: HttpRequest, chain: str, *, quiet: bool = False) -> bool:
    """Verify one chain and say where it breaks; that it holds too, unless `quiet`."""
    breaks = audit.verify(chain)
    for found in breaks[:TOLD]:
        messages.error(
            request,
            _("The chain “%(chain)s” does not hold at event %(sequence)d: %(problem)s.")
            % {"chain": chain, "sequence": found.sequence, "problem": found.problem},
        )
    if len(breaks) > TOLD:
        messages.error(request, _("And at %(count)d more places.") % {"count": len(breaks) - TOLD})
    if not breaks and not quiet:
        messages.success(request, _holds(chain))
    return not breaks


def _all_hold(count: int) -> str:
    return ngettext(
        "The one chain on this page holds: its events are as they were written, and none is missing.",
        "All %(count)d chains on this page hold: their events are as they were written, and none is missing.",
        count,
    ) % {"count": count}
