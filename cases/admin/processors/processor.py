"""Processors: accounts, keys, pauses and connection tests. Nothing is deleted: their requests are evidence."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Exists, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.export import Column, Exported, instant
from cases.admin.processors import kinds, page, pausing, verbs
from cases.admin.processors.form import ProcessorForm, calls_back, form_for, has_api, sections
from cases.admin.readonly import DeskAdmin
from cases.lifecycle import IN_FLIGHT
from cases.services.processors import accounts
from cases.services.refusal import Refused
from cases.services.status import silent
from integrations.models import Environment, Processor, SendingPause
from integrations.registry import KINDS, connector_class

Context = dict[str, Any]


class WordFilter(admin.SimpleListFilter):
    """Those that give no word: asked in vain, or whose callbacks should have come."""

    title = gettext_lazy("Updates")
    parameter_name = "silent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("No update"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pk__in=silent.silent(now=timezone.now())) if self.value() == "1" else queryset


@admin.register(Processor)
class ProcessorAdmin(Exported, DeskAdmin):
    when_empty = gettext_lazy("No processors yet. Add the first system that holds personal data.")
    export_name = "processors"
    export_columns = (
        Column("name", lambda processor: processor.name),
        Column("kind", lambda processor: processor.kind),
        Column("account", lambda processor: processor.account),
        Column("environment", lambda processor: processor.environment),
        Column("paused_at", lambda processor: instant(processor.paused_at)),
        Column("paused_reason", lambda processor: processor.paused_reason),
        Column("in_flight", lambda processor: str(processor.flying)),
        Column("open_tasks", lambda processor: str(processor.open_tasks)),
    )
    list_display = ("name", "kind", "account_proof", "state", "does", "open_work")
    list_filter = ("kind", "environment", WordFilter)
    ordering = ("name",)
    sortable_by = ("name", "kind")
    form = ProcessorForm
    readonly_fields = ("kind", "callback_address")
    add_form_template = "admin/integrations/processor/add_form.html"
    change_form_template = "admin/integrations/processor/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        verb = self.admin_site.admin_view(self.verb_view)
        everything = self.admin_site.admin_view(self.outgoing_view)
        return [
            path("outgoing/<slug:name>/", everything, name="integrations_outgoing_verb"),
            path("<uuid:processor_id>/do/<slug:name>/", verb, name="integrations_processor_verb"),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django lets an address filter by any column, and so guess letter by letter one that is not shown."""
        return lookup.split("__")[0] in {"kind", "environment", WordFilter.parameter_name}

    # --- the list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Processor]:
        under_way = Q(requests__status__in=IN_FLIGHT)
        flying = Count("requests", filter=under_way)
        open_tasks = Count("requests__task", filter=under_way & Q(requests__task__attested_at=None))
        halted = Exists(SendingPause.objects.filter(paused_at__isnull=False))
        found: QuerySet[Processor] = super().get_queryset(request)
        return found.annotate(flying=flying, open_tasks=open_tasks, halted=halted)

    @admin.display(description=gettext_lazy("Account"))
    def account_proof(self, processor: Processor) -> SafeString:
        development = widgets.badge(_("Development"), "quiet")
        return format_html(
            '<span class="account-proof">{} {} {}</span>',
            processor.account,
            page.proof_badge(processor),
            development if processor.environment == Environment.DEVELOPMENT else "",
        )

    @admin.display(description=gettext_lazy("Status"))
    def state(self, processor: Processor) -> SafeString:
        return page.state_badge(processor)

    @admin.display(description=gettext_lazy("Supports"))
    def does(self, processor: Processor) -> SafeString:
        return format_html('<span class="sentence">{}</span>', kinds.does(processor))

    @admin.display(description=gettext_lazy("Open"))
    def open_work(self, processor: Processor) -> str:
        return page.open_work(processor)

    # --- the form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may_change = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return sections(connector_class(_kind(request, obj)), adding=obj is None, may_change=may_change)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = form_for(_kind(request, obj))
        return super().get_form(request, obj, change, **kwargs)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        if request.GET.get("kind") not in KINDS and self.has_add_permission(request):
            context = {**self.admin_site.each_context(request), "opts": self.opts}
            context |= {"title": _("Add a processor"), "kinds": kinds.all_kinds()}
            return TemplateResponse(request, "portal/processors/kinds.html", context)
        kind = KINDS[_kind(request, None)][0]
        return super().add_view(request, form_url, {"kind": kind, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        processor = self.get_object(request, object_id)
        context = page.page(request, processor) if isinstance(processor, Processor) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    # Credentials are typed into it: no report of an error has them.
    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            # Only a rival saving in the same moment comes this far; the form has said everything else.
            messages.error(request, str(refused))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        accounts.save(obj, actor=actor_of(request), changed=form.changed, before=form.before)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        kind, told = connector_class(obj.kind), _("%(name)s was added.")
        if calls_back(kind):
            told = _(
                "%(name)s was added. Test the connection and register the callback address below at the "
                "processor."
            )
        elif has_api(kind):
            told = _("%(name)s was added. Test the connection.")
        messages.success(request, told % {"name": obj.name})
        return HttpResponseRedirect(reverse("admin:integrations_processor_change", args=[obj.pk]))

    @admin.display(description=gettext_lazy("Callback address"))
    def callback_address(self, processor: Processor) -> SafeString:
        """Whole, to be copied by whoever sets the processor up; the token in it is shown to nobody else."""
        return page.copyable(settings.PORTAL_BASE_URL + processor.callback_path)

    def verb_view(self, request: HttpRequest, processor_id: Any, name: str) -> HttpResponseBase:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return verbs.page(request, context, processor_id, name)

    def outgoing_view(self, request: HttpRequest, name: str) -> HttpResponseBase:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return pausing.page(request, context, name)


def _kind(request: HttpRequest, processor: Processor | None) -> str:
    """Of the row, or as chosen in the address; whoever may not add one is told so before it matters."""
    if processor is not None:
        return processor.kind
    asked = request.GET.get("kind", "")
    return asked if asked in KINDS else next(iter(KINDS))
