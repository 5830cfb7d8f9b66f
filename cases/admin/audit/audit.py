"""The audit trail: every event, its place in its chain, and the proof that the chain holds."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from cases.admin.audit import access, differences, export, verify
from cases.admin.audit.filters import ReviewFilter, without_empty
from cases.admin.audit.words import everything_of, reason_in_words, who
from cases.admin.export import Exported
from cases.admin.readonly import ReadOnlyAdmin, moment
from cases.models import Action, AuditChain, AuditEvent
from cases.services import audit
from cases.services.worklist import verify_chains

Context = dict[str, Any]


@admin.register(AuditEvent)
class AuditEventAdmin(Exported, ReadOnlyAdmin):
    when_empty = gettext_lazy("No events yet. Everything that users and the portal do is recorded here.")
    export_name = "audit-events"
    export_columns = export.COLUMNS
    export_action = Action.AUDIT_EXPORTED
    list_display = ("written", "who", "what", "case_link", "from_where")
    list_display_links = ("written",)
    list_filter = (ReviewFilter,)
    list_select_related = ("case",)
    # Events hardly ever share an instant; each thing to narrow the list to has an index in this order.
    ordering = ("-at", "-id")
    change_list_template = "admin/cases/auditevent/change_list.html"
    change_form_template = "admin/cases/auditevent/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        guarded: dict[str, tuple[Callable[..., HttpResponseBase], str]] = {
            "<int:event_id>/verify/": (self.verify_view, "cases_auditevent_verify"),
            "verify/": (self.verify_page_view, "cases_auditevent_verify_page"),
        }
        looks = [
            path("person/", self.admin_site.admin_view(self.person_view), name="cases_auditevent_person"),
            path(
                "person/<int:case_id>/",
                self.admin_site.admin_view(require_safe(self.person_of_case_view)),
                name="cases_auditevent_person_of_case",
            ),
        ]
        own = [
            path(route, self.admin_site.admin_view(require_POST(view)), name=name)
            for route, (view, name) in guarded.items()
        ]
        return [*own, *looks, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        tidy = without_empty(request) if request.method == "GET" else None
        return tidy or super().changelist_view(request, extra_context)

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
        """Walk the chains of the events that the list is narrowed to, and say what was found and what not looked at."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        back = reverse("admin:cases_auditevent_changelist") + (
            f"?{request.GET.urlencode()}" if request.GET else ""
        )
        shown = self.whole_list(request)
        if shown is None:
            messages.error(request, _("Nothing was verified. These filters are not valid."))
            return HttpResponseRedirect(reverse("admin:cases_auditevent_changelist"))
        verify.tell(request, verify_chains.verify(shown.queryset))
        return HttpResponseRedirect(back)

    # --- who saw a person's data

    def _require_cases(self, request: HttpRequest) -> None:
        """Whoever may read the trail alone does not learn from it which people are known here."""
        if not (self.has_view_permission(request) and request.user.has_perm("cases.view_case")):
            raise PermissionDenied

    def person_view(self, request: HttpRequest) -> HttpResponse:
        self._require_cases(request)
        if request.method == "POST":
            return access.look_for(request)
        return access.of_search(request, self._context(request))

    def person_of_case_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        self._require_cases(request)
        return access.of_case(request, self._context(request), case_id)

    def _context(self, request: HttpRequest) -> Context:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    def export_rows(self, request: HttpRequest) -> QuerySet[Any]:
        return self.get_queryset(request).select_related("case", "processor").only(*export.FIELDS)

    @admin.display(description=gettext_lazy("When"))
    def written(self, event: AuditEvent) -> str:
        return moment(event.at)

    @admin.display(description=gettext_lazy("Who"))
    def who(self, event: AuditEvent) -> SafeString | str:
        address = everything_of(event)
        return format_html('<a href="{}">{}</a>', address, who(event)) if address else who(event)

    @admin.display(description=gettext_lazy("What"))
    def what(self, event: AuditEvent) -> SafeString:
        reason = reason_in_words(event)
        muted = format_html(' <span class="muted">{}</span>', reason) if reason else ""
        return format_html(
            '<span class="truncate" title="{}">{}{}</span>', event.sentence, event.sentence, muted
        )

    @admin.display(description=gettext_lazy("Origin"))
    def from_where(self, event: AuditEvent) -> SafeString:
        address = event.address or "–"
        return format_html(
            '<span class="turn"><span title="{}">{}</span><span class="since">{}</span></span>',
            address,
            address,
            event.get_source_display(),
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
        "everything": everything_of(event),
        "differences": differences.of_event(event),
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
        "The chain “%(chain)s” is intact. Its only event is unchanged.",
        "The chain “%(chain)s” is intact. All %(count)d events are unchanged, in order and complete.",
        count,
    ) % {"chain": chain, "count": count}


def _tell(request: HttpRequest, chain: str) -> None:
    """Verify one chain and say that it holds, or where it breaks."""
    breaks = audit.verify(chain)
    verify.tell_breaks(request, breaks)
    if not breaks:
        messages.success(request, _holds(chain))
