"""Manual tasks: a list by due date that leads to the cases where they are attested."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin import widgets
from cases.admin.export import Column, Exported, day, instant, name
from cases.admin.readonly import ReadOnlyAdmin
from cases.lifecycle import IN_FLIGHT, RequestStatus
from cases.models import ManualTask

MINE: Final = "mine"
UNASSIGNED: Final = "unassigned"
ALL: Final = "all"


def open_tasks() -> QuerySet[ManualTask]:
    """What is approved and not attested. A task of a plan that nobody has approved is none yet."""
    return ManualTask.objects.filter(
        attested_at__isnull=True,
        processor_request__status__in=sorted(IN_FLIGHT),
        processor_request__held=False,
    )


def waiting_for(user: Any, *, attests: bool) -> QuerySet[ManualTask]:
    """What this person is to do, or may take where they may attest: theirs, and nobody's."""
    mine = Q(assignee=user)
    return open_tasks().filter(mine | Q(assignee__isnull=True) if attests else mine)


class WhoseFilter(admin.SimpleListFilter):
    """Mine and nobody's, unless something else is asked for: that is what the navigation counts."""

    title = gettext_lazy("Assigned to")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(MINE, _("Mine")), (UNASSIGNED, _("Unassigned")), (ALL, _("Everyone"))]

    def choices(self, changelist: Any) -> Any:
        first, *rest = super().choices(changelist)
        yield {**first, "display": _("Mine and unassigned")}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == MINE:
            return queryset.filter(assignee=request.user)
        if value == UNASSIGNED:
            return queryset.filter(assignee__isnull=True)
        if value == ALL:
            return queryset
        return queryset.filter(assignee=request.user) | queryset.filter(assignee__isnull=True)


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("Status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("attested", _("Attested"))]

    def choices(self, changelist: Any) -> Any:
        first, *rest = super().choices(changelist)
        yield {**first, "display": _("Open")}
        yield from rest

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "attested":
            return queryset.filter(attested_at__isnull=False)
        return queryset.filter(pk__in=open_tasks().values("pk"))


@admin.register(ManualTask)
class TaskAdmin(Exported, ReadOnlyAdmin):
    export_name = "tasks"
    export_columns = (
        Column("case", lambda task: task.processor_request.case.reference),
        Column("processor", lambda task: task.processor_request.processor.name),
        Column("type", lambda task: task.processor_request.case.type),
        Column("regulation", lambda task: task.processor_request.case.regulation),
        Column("due_on", lambda task: day(task.due_on)),
        Column("assignee", lambda task: name(task.assignee)),
        Column("status", lambda task: task.processor_request.status),
        Column("answer", lambda task: task.processor_request.answer),
        Column("attested_at", lambda task: instant(task.attested_at)),
        Column("attested_by", lambda task: name(task.attested_by)),
    )
    list_display = ("case", "system", "asked", "due", "whose", "state")
    list_display_links = None
    list_filter = (StateFilter, WhoseFilter)
    ordering = ("due_on", "id")
    list_select_related = (
        "processor_request__case",
        "processor_request__processor",
        "assignee",
        "attested_by",
    )
    change_list_template = "portal/home/tasks.html"

    def export_rows(self, request: HttpRequest) -> QuerySet[ManualTask]:
        found: QuerySet[ManualTask] = super().export_rows(request).select_related(*self.list_select_related)
        return found

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A task has no page of its own: it is read and attested on its case."""
        task = self.get_object(request, object_id) if self.has_view_permission(request) else None
        if task is None:
            raise Http404
        return HttpResponseRedirect(_address(task))

    @admin.display(description=gettext_lazy("Case"))
    def case(self, task: ManualTask) -> SafeString:
        return format_html(
            '<a class="row-title" href="{}">{}</a>', _address(task), task.processor_request.case.reference
        )

    @admin.display(description=gettext_lazy("System"))
    def system(self, task: ManualTask) -> str:
        return task.processor_request.processor.name

    @admin.display(description=gettext_lazy("Request type"))
    def asked(self, task: ManualTask) -> str:
        case = task.processor_request.case
        return f"{case.get_type_display()} · {case.get_regulation_display()}"

    @admin.display(description=gettext_lazy("Due"))
    def due(self, task: ManualTask) -> SafeString:
        due_on = date_format(task.due_on, "DATE_FORMAT")
        if task.attested_at is not None:
            return format_html('<span class="due muted">{}</span>', due_on)
        days = (task.due_on - timezone.localdate()).days
        return format_html(
            '<span class="due due-{}">{}<span class="due-left">{}</span></span>',
            widgets.due_tone(days),
            due_on,
            widgets.days_in_words(days),
        )

    @admin.display(description=gettext_lazy("Assigned to"))
    def whose(self, task: ManualTask) -> SafeString:
        if task.assignee is None:
            return format_html('<span class="muted">{}</span>', _("No one"))
        return format_html("{}", task.assignee.get_username())

    @admin.display(description=gettext_lazy("Status"))
    def state(self, task: ManualTask) -> SafeString:
        if task.attested_at is not None:
            return widgets.request_badge(task.processor_request)
        begun = task.processor_request.status == RequestStatus.IN_PROGRESS
        return widgets.badge(_("To do") if begun else _("Starts shortly"), "act" if begun else "quiet")


def _address(task: ManualTask) -> str:
    page = reverse("admin:cases_case_change", args=[task.processor_request.case_id])
    return f"{page}#task-{task.pk}"
