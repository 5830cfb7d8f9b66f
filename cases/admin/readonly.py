"""Base classes of the desk's lists, and of pages on which nothing can be changed, whatever is posted."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from cases.admin.paging import CappedPaginator


class DeskAdmin(admin.ModelAdmin):
    """No bulk actions, no counting to a million, and no log of Django's beside our own trail."""

    actions = None
    list_per_page = 50
    list_max_show_all = 0
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """One button: save."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().changeform_view(request, object_id, form_url, {**buttons, **(extra_context or {})})

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        return []

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise Http404


class ReadOnlyAdmin(DeskAdmin):
    """Django asks these three before it adds, changes or deletes, also when it is posted to."""

    sortable_by = ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """No form: each of these pages is a template of its own."""
        return []

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DayFilter(admin.DateFieldListFilter):
    """By day, under a word instead of the column's name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("When")


def moment(instant: datetime | None) -> str:
    """To the second, in the zone of who looks: 05 Dec 2026, 09:15:30."""
    return date_format(timezone.localtime(instant), "DATETIME_SECONDS_FORMAT") if instant else "–"
