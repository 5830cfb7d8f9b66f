"""The jobs page: queues, workers, the schedule and what failed. Ids only; a failed job can be run again."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.admin.readonly import ReadOnlyAdmin
from cases.models import Jobs
from cases.services.processors import queues
from cases.services.refusal import Refused


@admin.register(Jobs)
class JobsAdmin(ReadOnlyAdmin):
    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        return [
            path("", view(self.changelist_view), name="jobs"),
            path("", view(self.changelist_view), name="cases_jobs_changelist"),
            path("<slug:job_id>/again/", view(require_POST(self.run_again_view)), name="jobs_run_again"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("cases.view_jobs")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Jobs"),
            "opts": self.opts,
            "may_run_again": request.user.has_perm("cases.requeue_jobs"),
        }
        try:
            context["overview"] = queues.overview()
        except Refused as refused:
            context["unreachable"] = str(refused)
        return TemplateResponse(request, "portal/operations/jobs.html", context)

    def run_again_view(self, request: HttpRequest, job_id: str) -> HttpResponse:
        if not request.user.has_perms(["cases.view_jobs", "cases.requeue_jobs"]):
            raise PermissionDenied
        try:
            function = queues.run_again(job_id)
        except Refused as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("%(function)s was queued again.") % {"function": function})
        return HttpResponseRedirect(reverse("admin:jobs"))
