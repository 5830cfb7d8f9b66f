"""Processors: accounts, keys, pauses and connection tests. Nothing is deleted: their requests are evidence."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, Exists, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import marks, outgoing, processor_budget, processor_verbs
from cases.admin.acting import actor_of
from cases.admin.processor_form import PREFIX, ProcessorForm, form_for
from cases.admin.readonly import DeskAdmin
from cases.lifecycle import IN_FLIGHT
from cases.services import processors
from cases.services.refusal import Refused
from integrations.models import Outgoing, Processor
from integrations.registry import KINDS, connector_class

Context = dict[str, Any]


@admin.register(Processor)
class ProcessorAdmin(DeskAdmin):
    list_display = ("name", "kind", "account_proof", "environment", "state", "in_flight", "callback_short")
    list_filter = ("environment",)
    ordering = ("name",)
    sortable_by = ("name", "environment")
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
        return lookup.split("__")[0] in self.list_filter

    # --- the list

    def get_queryset(self, request: HttpRequest) -> QuerySet[Processor]:
        flying = Count("requests", filter=Q(requests__status__in=IN_FLIGHT))
        halted = Exists(Outgoing.objects.filter(paused_at__isnull=False))
        found: QuerySet[Processor] = super().get_queryset(request).annotate(flying=flying, halted=halted)
        return found

    @admin.display(description=gettext_lazy("Account"))
    def account_proof(self, processor: Processor) -> SafeString:
        return format_html("{} {}", processor.account, proof_badge(processor))

    @admin.display(description=gettext_lazy("State"))
    def state(self, processor: Processor) -> SafeString:
        return state_badge(processor)

    @admin.display(description=gettext_lazy("In flight"))
    def in_flight(self, processor: Processor) -> int:
        count: int = getattr(processor, "flying", 0)
        return count

    @admin.display(description=gettext_lazy("Callback address"))
    def callback_short(self, processor: Processor) -> SafeString:
        return format_html("<code>{}…</code>", processor.callback_path[:24])

    # --- the form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        kind = _kind(request, obj)
        credentials = [PREFIX + secret.name for secret in connector_class(kind).secrets] if kind else []
        may_change = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        sections: list[tuple[str, dict[str, Any]]] = [
            (_("Account"), {"fields": ["name", *(["kind"] if obj else []), "account", "environment"]}),
        ]
        if credentials and may_change:
            sections.append((_("Credentials"), {"fields": credentials}))
        sections += [
            (_("API"), {"fields": ["base_url", "extra_tls_roots", "limits", "budget_share"]}),
            (
                _("Callbacks"),
                {
                    "fields": [
                        *(["callback_address"] if obj and may_change else []),
                        "processor_domain",
                        "certificate_hosts",
                        "extra_signing_roots",
                    ]
                },
            ),
        ]
        return sections

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = form_for(_kind(request, obj) or next(iter(KINDS)))
        return super().get_form(request, obj, change, **kwargs)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        kind = _kind(request, None)
        if not kind and self.has_add_permission(request):
            context = {**self.admin_site.each_context(request), "opts": self.opts, "kinds": KINDS.items()}
            context["title"] = _("Which kind of processor?")
            return TemplateResponse(request, "admin/integrations/processor/kinds.html", context)
        return super().add_view(
            request, form_url, {"kind": KINDS[kind][0] if kind else "", **(extra_context or {})}
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        processor = self.get_object(request, object_id)
        context = _page(request, processor) if isinstance(processor, Processor) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            # Only a rival saving in the same moment comes this far; the form has said everything else.
            messages.error(request, str(refused))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        processors.save(obj, actor=actor_of(request), changed=form.changed)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(
            request,
            _("%(name)s is set up. Test the connection, and give the processor the callback address below.")
            % {"name": obj.name},
        )
        return HttpResponseRedirect(reverse("admin:integrations_processor_change", args=[obj.pk]))

    @admin.display(description=gettext_lazy("Callback address"))
    def callback_address(self, processor: Processor) -> SafeString:
        """Whole, to be copied by whoever sets the processor up; the token in it is shown to nobody else."""
        return copyable(settings.PORTAL_BASE_URL + processor.callback_path)

    def verb_view(self, request: HttpRequest, processor_id: Any, name: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return processor_verbs.verb_page(request, context, processor_id, name)

    def outgoing_view(self, request: HttpRequest, name: str) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return outgoing.verb_page(request, context, name)


def _kind(request: HttpRequest, processor: Processor | None) -> str:
    """Of the row, or as chosen in the address, or the only one there is."""
    if processor is not None:
        return processor.kind
    asked = request.GET.get("kind", "")
    if asked in KINDS:
        return asked
    return next(iter(KINDS)) if len(KINDS) == 1 else ""


def _page(request: HttpRequest, processor: Processor) -> Context:
    return {
        "state": state_badge(processor),
        "proof": proof_badge(processor),
        "verbs": processor_verbs.offered(request, processor),
        "budget": processor_budget.card(processor),
        "standing_still": processor.paused_at is not None or getattr(processor, "halted", False),
        "now": timezone.now(),
        "events": reverse("admin:cases_auditevent_changelist"),
    }


def state_badge(processor: Processor) -> SafeString:
    if processor.paused_at is None:
        if getattr(processor, "halted", False):
            return marks.badge(_("Paused with everything"), "warn", "pause")
        return marks.badge(_("Running"), "good")
    because = processors.PAUSED_BECAUSE.get(processor.paused_reason, processor.paused_reason)
    tone = "warn" if processor.paused_reason in processors.PAUSE_REASONS else "bad"
    return format_html('<span title="{}">{}</span>', because, marks.badge(_("Paused"), tone, "pause"))


def proof_badge(processor: Processor) -> SafeString:
    if processor.account_proven_at is None:
        return marks.badge(_("Not proven yet"), "quiet")
    return marks.badge(_("Proven"), "good")


def copyable(text: str) -> SafeString:
    """A click selects all of it, and the button copies it."""
    return format_html(
        '<span class="copy"><code>{}</code><button type="button" class="icon-button" data-copy="{}" data-copied="{}" '
        'title="{}">{}</button></span>',
        text,
        text,
        _("Copied"),
        _("Copy"),
        marks.icon("copy"),
    )
