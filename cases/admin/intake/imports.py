"""Imports at the desk: the list, the form that takes a file in, and the page of one with what is wrong in it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.intake.imports_forms import UploadForm, column_groups
from cases.admin.readonly import ReadOnlyAdmin, moment
from cases.models import CaseImport, ImportState
from cases.models.intake.case_import import WORKING
from cases.services.imports import files as import_files
from cases.services.refusal import Refused
from dsrportal import spreadsheet
from dsrportal.crypto import Unreadable
from integrations.types import RequestType

Context = dict[str, Any]
LINES_SHOWN: Final = 100
_TONES: Final[dict[str, str]] = {
    ImportState.CHECKING: "wait",
    ImportState.CHECKED: "act",
    ImportState.IMPORTING: "wait",
    ImportState.FINISHED: "good",
    ImportState.STOPPED: "bad",
    ImportState.DISCARDED: "quiet",
}


def badge(made: CaseImport) -> SafeString:
    """Where it stands; one that finished with failed rows is not all good."""
    if made.state == ImportState.FINISHED and made.failed:
        return widgets.badge(_("Finished with failed rows"), "warn")
    return widgets.badge(made.get_state_display(), _TONES[made.state])


def may_run(request: HttpRequest) -> bool:
    return request.user.has_perms(import_files.PERMISSIONS)


def may_take(request: HttpRequest, made: CaseImport) -> bool:
    """Its rows are identities in clear: for whoever gave them in, or may see those of others."""
    own = made.uploaded_by_id == request.user.pk
    return may_run(request) and (own or request.user.has_perm("cases.reveal_identity"))


@admin.register(CaseImport)
class CaseImportAdmin(ReadOnlyAdmin):
    list_display = ("uploaded", "file", "by", "state_badge", "rows", "opened", "known_rows", "failed_rows")
    list_display_links = ("uploaded",)
    list_select_related = ("uploaded_by", "data_key")
    list_filter = ("state",)
    ordering = ("-uploaded_at",)
    change_list_template = "portal/intake/imports.html"
    change_form_template = "portal/intake/import.html"

    def get_urls(self) -> list[URLPattern]:
        def own(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
            return path(route, self.admin_site.admin_view(view), name=f"cases_caseimport_{name}")

        return [
            own("template/", require_safe(self.template_view), "template"),
            own("<uuid:import_id>/progress/", require_safe(self.progress_view), "progress"),
            own("<uuid:import_id>/start/", require_POST(self.start_view), "start"),
            own("<uuid:import_id>/discard/", require_POST(self.discard_view), "discard"),
            own("<uuid:import_id>/failed/", require_POST(self.failed_view), "failed"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_run(request)

    # --- a file comes in

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        if not may_run(request):
            raise PermissionDenied
        asked = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if asked else UploadForm()
        if asked and form.is_valid():
            try:
                made = import_files.upload(
                    form.cleaned_data["file"], source=form.cleaned_data["source"], actor=actor_of(request)
                )
            except Refused as refused:
                form.refuse(refused.sentences)
            else:
                return HttpResponseRedirect(_address(made))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Import cases"),
            "form": form,
            "groups": column_groups(),
            "most_rows": number_format(import_files.MOST_ROWS, force_grouping=True),
            "days": import_files.KEPT.days,
        }
        return TemplateResponse(request, "portal/intake/import_upload.html", context)

    def template_view(self, request: HttpRequest) -> HttpResponseBase:
        """An empty file to fill in: nobody's data, nothing to record."""
        if not may_run(request):
            raise PermissionDenied
        return _attached(import_files.template(), [], "import-template.csv")

    # --- the page of one

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        context = _page(request, found) if isinstance(found, CaseImport) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def progress_view(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        """The part of the page that changes while the portal works at it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        made = get_object_or_404(CaseImport, pk=import_id)
        return TemplateResponse(request, "portal/intake/import_progress.html", _progress(made))

    def start_view(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        return self._do(request, import_id, import_files.start, _("The import has started."))

    def discard_view(self, request: HttpRequest, import_id: UUID) -> HttpResponse:
        return self._do(
            request, import_id, import_files.discard, _("The file was deleted. Nothing was imported.")
        )

    def failed_view(self, request: HttpRequest, import_id: UUID) -> HttpResponseBase:
        """The failed rows as they came, each with what is wrong. A POST, since taking them is an event itself."""
        if not may_run(request):
            raise PermissionDenied
        made = get_object_or_404(self.get_queryset(request), pk=import_id)
        if not may_take(request, made):
            raise PermissionDenied
        try:
            rows = import_files.failed_rows(made, actor=actor_of(request))
        except Refused as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(_address(made))
        return _attached(
            import_files.failed_columns(made), rows, f"failed-rows-{made.uploaded_at:%Y-%m-%d}.csv"
        )

    def _do(
        self, request: HttpRequest, import_id: UUID, verb: Callable[..., None], told: str
    ) -> HttpResponse:
        if not may_run(request):
            raise PermissionDenied
        made = get_object_or_404(CaseImport, pk=import_id)
        try:
            verb(made, actor=actor_of(request))
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, told)
        return HttpResponseRedirect(_address(made))

    # --- the list

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaseImport]:
        found: QuerySet[CaseImport] = super().get_queryset(request)
        return found.select_related("uploaded_by", "started_by", "data_key")

    @admin.display(description=gettext_lazy("Uploaded"))
    def uploaded(self, made: CaseImport) -> str:
        return moment(made.uploaded_at)

    @admin.display(description=gettext_lazy("File"))
    def file(self, made: CaseImport) -> SafeString:
        name = file_name(made)
        return format_html('<span class="truncate" title="{}">{}</span>', name, name)

    @admin.display(description=gettext_lazy("By"))
    def by(self, made: CaseImport) -> str:
        return made.uploaded_by.get_username()

    @admin.display(description=gettext_lazy("Status"))
    def state_badge(self, made: CaseImport) -> SafeString:
        return badge(made)

    @admin.display(description=gettext_lazy("Rows"))
    def rows(self, made: CaseImport) -> str:
        return widgets.number(made.row_count)

    @admin.display(description=gettext_lazy("Opened"))
    def opened(self, made: CaseImport) -> str:
        return widgets.number(made.good) if made.started_at else ""

    @admin.display(description=gettext_lazy("Imported earlier"))
    def known_rows(self, made: CaseImport) -> str:
        return widgets.number(made.known) if made.known else ""

    @admin.display(description=gettext_lazy("Failed"))
    def failed_rows(self, made: CaseImport) -> str:
        return widgets.number(made.failed) if made.failed else ""


def file_name(made: CaseImport) -> str:
    try:
        return made.file_name or _("Deleted")
    except Unreadable:
        return _("Cannot be read")


def _address(made: CaseImport) -> str:
    return reverse("admin:cases_caseimport_change", args=[made.pk])


def _progress(made: CaseImport) -> Context:
    checking = made.state == ImportState.CHECKING
    return {
        "case_import": made,
        "working": made.state in WORKING,
        "done": made.rows_done,
        "total": made.row_count,
        "label": _("Rows checked") if checking else _("Rows imported"),
    }


def _page(request: HttpRequest, made: CaseImport) -> Context:
    working = made.state in WORKING
    kinds = [] if working else import_files.kinds_of_failure(made)
    shown = import_files.first_failures(made, lines=LINES_SHOWN) if kinds else []
    return {
        **_progress(made),
        # Browsers keep the titles of pages, and a file may be called by a person's name.
        "title": _("Import of %(when)s") % {"when": widgets.day(made.uploaded_at)},
        "file_name": file_name(made),
        "state": badge(made),
        "live": reverse("admin:cases_caseimport_progress", args=[made.pk]),
        "types": _types(made),
        "at_once": _at_once(made),
        "kinds": kinds,
        "failures": shown,
        "more": made.failed - len(shown),
        "may_run": may_run(request),
        "may_take": may_take(request, made),
        "checked": made.state == ImportState.CHECKED,
        "has_file": bool(made.stored_name),
        "rechecked": made.started_at is not None,
    }


def _types(made: CaseImport) -> str:
    counted = [(RequestType(kind).label, count) for kind, count in sorted(made.by_type.items())]
    return ", ".join(f"{label} {widgets.number(count)}" for label, count in counted)


def _at_once(made: CaseImport) -> str:
    """What leaves without anybody's approval, before it is started."""
    count = import_files.sent_at_once(made)
    if not count or made.state != ImportState.CHECKED:
        return ""
    return ngettext(
        "%(count)d row is an opt-out. It needs no approval and is sent as soon as it is imported.",
        "%(count)d rows are opt-outs. They need no approval and are sent as soon as they are imported.",
        count,
    ) % {"count": count}


def _attached(columns: list[str], rows: Any, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(
        spreadsheet.as_csv(columns, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
