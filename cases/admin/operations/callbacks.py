"""Signed callbacks as they arrived: the evidence, and what came of each."""

import json
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import widgets
from cases.admin.export import Column, Exported, instant
from cases.admin.operations import certificate
from cases.admin.readonly import DayFilter, ReadOnlyAdmin, moment
from cases.models import CallbackDelivery, Verdict
from cases.models.callback import FOR_A_HUMAN
from cases.services.reports import callbacks
from dsrportal.crypto import Unreadable

Context = dict[str, Any]
REFUSALS_DAYS: Final = 7
_TONES: Final[dict[str, str]] = {
    Verdict.RECEIVED: "wait",
    Verdict.APPLIED: "good",
    Verdict.NOTHING_NEW: "quiet",
    **dict.fromkeys(FOR_A_HUMAN, "bad"),
}


@admin.register(CallbackDelivery)
class CallbackDeliveryAdmin(Exported, ReadOnlyAdmin):
    when_empty = gettext_lazy(
        "No callbacks yet. The page of each processor shows the callback address to register there."
    )
    export_name = "callbacks"
    export_columns = (
        Column("received_at", lambda delivery: instant(delivery.received_at)),
        Column("processor", lambda delivery: delivery.processor.name),
        Column("case", lambda delivery: _reference(delivery)),
        Column("reported_status", lambda delivery: delivery.reported_status),
        Column("verdict", lambda delivery: delivery.verdict),
        Column("applied_at", lambda delivery: instant(delivery.applied_at)),
        Column("repeats", lambda delivery: str(delivery.repeats)),
        Column("address", lambda delivery: delivery.address or ""),
        Column("body_sha256", lambda delivery: delivery.body_sha256),
    )
    list_display = (
        "received",
        "processor",
        "about",
        "says",
        "verdict_badge",
        "repeats_short",
        "address",
    )
    list_display_links = ("received",)
    list_filter = ("verdict", "processor", ("received_at", DayFilter))
    ordering = ("-received_at",)
    change_list_template = "admin/cases/callbackdelivery/change_list.html"
    change_form_template = "admin/cases/callbackdelivery/change_form.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        linked = request.user.has_perm("cases.view_case")
        return [name if linked or name != "about" else "reference" for name in self.list_display]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallbackDelivery]:
        """The list has no use for the sealed bodies, and fetches none."""
        deliveries: QuerySet[CallbackDelivery] = super().get_queryset(request)
        return deliveries.select_related("processor", "processor_request__case").defer("body", "headers")

    def changelist_view(self, request: HttpRequest, extra_context: Context | None = None) -> HttpResponse:
        context = {"refusals": callbacks.refused_lately(days=REFUSALS_DAYS), "refusals_days": REFUSALS_DAYS}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        delivery = self.get_object(request, object_id)
        context = _page(delivery) if isinstance(delivery, CallbackDelivery) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    @admin.display(description=gettext_lazy("Received"))
    def received(self, delivery: CallbackDelivery) -> str:
        return moment(delivery.received_at)

    @admin.display(description=gettext_lazy("Reported status"))
    def says(self, delivery: CallbackDelivery) -> str:
        """The sender's own word, in quotes as on the case's page."""
        return f"“{delivery.reported_status}”" if delivery.reported_status else ""

    @admin.display(description=gettext_lazy("Case"))
    def about(self, delivery: CallbackDelivery) -> SafeString | str:
        if delivery.processor_request is None:
            return ""
        case = delivery.processor_request.case
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:cases_case_change", args=[case.pk]), case.reference
        )

    @admin.display(description=gettext_lazy("Case"))
    def reference(self, delivery: CallbackDelivery) -> str:
        return _reference(delivery)

    @admin.display(description=gettext_lazy("Processing result"))
    def verdict_badge(self, delivery: CallbackDelivery) -> SafeString:
        return verdict_badge(delivery)

    @admin.display(description=gettext_lazy("Repeats"))
    def repeats_short(self, delivery: CallbackDelivery) -> str:
        return f"{delivery.repeats}" if delivery.repeats else ""


def _reference(delivery: CallbackDelivery) -> str:
    return delivery.processor_request.case.reference if delivery.processor_request else ""


def verdict_badge(delivery: CallbackDelivery) -> SafeString:
    return widgets.badge(delivery.get_verdict_display(), _TONES.get(delivery.verdict, "quiet"))


def _page(delivery: CallbackDelivery) -> Context:
    context: Context = {
        "delivery": delivery,
        "verdict": verdict_badge(delivery),
        "certificate_state": certificate.validity(delivery.certificate),
    }
    try:
        return {**context, "headers": sorted(delivery.headers.items()), "body": pretty(delivery.body)}
    except Unreadable:
        return {
            **context,
            "unreadable": _("This cannot be read. Ask an administrator to check the master keys."),
        }


def pretty(body: bytes) -> str:
    """The raw body with line breaks where it is JSON, else as it came; bytes that are no text show as marks."""
    text = body.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
