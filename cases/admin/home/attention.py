"""Attention items: things a human must decide, open ones first, and one verb to settle them."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import widgets
from cases.admin.export import Column, Exported, instant, name
from cases.admin.readonly import ReadOnlyAdmin, moment
from cases.admin.verb import Verb, permitted, verb_page
from cases.models import AttentionItem
from cases.models.audit import slots as audit_slots
from cases.services.processors import accounts

Context = dict[str, Any]
RESOLVE = "cases.resolve_attentionitem"
VERBS: Final[tuple[Verb[AttentionItem], ...]] = (
    Verb(
        "resolve",
        gettext_lazy("Resolve this item"),
        "check",
        RESOLVE,
        gettext_lazy(
            "By resolving this item you confirm that you have reviewed it and decided what to do. The "
            "case continues with the status of its requests. Your name and the time are recorded."
        ),
        lambda item, actor, _said: accounts.resolve_item(item, actor=actor),
        told=lambda item, _nothing: _("Resolved: %(sentence)s") % {"sentence": item.sentence},
        button=gettext_lazy("Resolve"),
        template="portal/home/resolve.html",
    ),
)


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("Status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("settled", _("Resolved"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"open", "settled"}:
            return queryset.filter(resolved_at__isnull=self.value() == "open")
        return queryset


@admin.register(AttentionItem)
class AttentionItemAdmin(Exported, ReadOnlyAdmin):
    when_empty = gettext_lazy(
        "No open items. Items appear here when a processor or a deadline needs a decision."
    )
    export_name = "attention"
    export_columns = (
        Column("opened_at", lambda item: instant(item.opened_at)),
        Column("kind", lambda item: item.kind),
        Column("what", lambda item: item.sentence.english),
        Column("case", lambda item: name(item.case)),
        Column("processor", lambda item: name(item.processor)),
        Column("settled_at", lambda item: instant(item.resolved_at)),
        Column("settled_by", lambda item: name(item.resolved_by)),
        Column("resolution", lambda item: item.resolution),
    )
    list_display = ("opened", "kind_badge", "sentence_short", "about", "state")
    list_display_links = ("opened",)
    list_filter = (OpenFilter, "kind")
    list_select_related = ("case", "processor", "processor_request__processor", "resolved_by")
    ordering = (F("resolved_at").desc(nulls_first=True), "-opened_at")
    change_form_template = "admin/cases/attentionitem/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        resolve = self.admin_site.admin_view(self.resolve_view)
        return [
            path("<int:item_id>/resolve/", resolve, name="cases_attentionitem_resolve"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AttentionItem]:
        """Whoever may not see cases sees what is about processors alone."""
        items: QuerySet[AttentionItem] = (
            super().get_queryset(request).select_related(*self.list_select_related)
        )
        return items if request.user.has_perm("cases.view_case") else items.filter(case__isnull=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        context = {"may_resolve": request.user.has_perm(RESOLVE)}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def resolve_view(self, request: HttpRequest, item_id: int) -> HttpResponseBase:
        verb = permitted(request, VERBS, "resolve", sees="cases.view_attentionitem")
        item = self.get_queryset(request).filter(pk=item_id).first()
        if item is None:
            raise Http404
        context = {**self.admin_site.each_context(request), "opts": self.opts, "item": item}
        back = reverse("admin:cases_attentionitem_changelist")
        return verb_page(request, context, verb, item, back=back)

    @admin.display(description=gettext_lazy("Opened"))
    def opened(self, item: AttentionItem) -> str:
        return moment(item.opened_at)

    @admin.display(description=gettext_lazy("Type"))
    def kind_badge(self, item: AttentionItem) -> SafeString:
        return widgets.badge(item.get_kind_display(), "quiet" if item.resolved_at else "bad")

    @admin.display(description=gettext_lazy("What"))
    def sentence_short(self, item: AttentionItem) -> SafeString:
        return format_html('<span class="sentence">{}</span>', item.sentence)

    @admin.display(description=gettext_lazy("Subject"))
    def about(self, item: AttentionItem) -> SafeString | str:
        if item.case is not None:
            address = reverse("admin:cases_case_change", args=[item.case.pk])
            return format_html('<a href="{}">{}</a>', address, item.case.reference)
        return str(item.processor or "")

    @admin.display(description=gettext_lazy("Status"))
    def state(self, item: AttentionItem) -> SafeString:
        return state_badge(item)


def state_badge(item: AttentionItem) -> SafeString:
    if item.resolved_at is None:
        return widgets.badge(_("Open"), "act")
    by = item.resolved_by.get_username() if item.resolved_by else _("the portal")
    return format_html(
        '<span title="{} · {}">{}</span>',
        audit_slots.in_words("resolution", item.resolution),
        by,
        widgets.badge(_("Resolved"), "good"),
    )
