"""The notes that name whoever looks: what is unread first, each with its way to the case."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.admin.actors import actor_of
from cases.admin.readonly import ReadOnlyAdmin
from cases.admin.sections import notes as notes_section
from cases.models import Mention
from cases.services import mentions

ON_A_PAGE = 25
# Of a larger house the rest is typed.
MOST_PEOPLE = 1000


@admin.register(Mention)
class MentionAdmin(ReadOnlyAdmin):
    """Everybody's own, for whoever may see cases: being named gives no right to a case."""

    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        return [
            path("", view(require_safe(self.mentions_view)), name="cases_mention_changelist"),
            path("people/", view(require_safe(self.people_view)), name="cases_mention_people"),
            path("<int:mention_id>/read/", view(require_POST(self.read_view)), name="cases_mention_read"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("cases.view_case")

    def mentions_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        user = actor_of(request).user
        mine = Mention.objects.filter(user=user).select_related("note__author", "note__case__data_key")
        unread = mine.filter(read_at__isnull=True)
        # What is unread is few, and stands before the first page of the rest.
        read = Paginator(mine.filter(read_at__isnull=False).order_by("-id"), ON_A_PAGE)
        page = read.get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Mentions"),
            "opts": self.opts,
            "unread": [_shown(each) for each in unread.order_by("-id")[:100]],
            "read": [_shown(each) for each in page],
            "page": page,
        }
        return TemplateResponse(request, "portal/home/mentions.html", context)

    def people_view(self, request: HttpRequest) -> JsonResponse:
        """Whom a note can name, for whoever may write one."""
        if not request.user.has_perms(["cases.view_case", "cases.add_note"]):
            raise PermissionDenied
        people = mentions.who_can_be_named().order_by("username").values_list("username", flat=True)
        return JsonResponse({"people": list(people[:MOST_PEOPLE])})

    def read_view(self, request: HttpRequest, mention_id: int) -> HttpResponse:
        """Marks one as read; with `open` it leads on to the note. Another's is not found."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        mention = (
            Mention.objects.select_related("note").filter(pk=mention_id, user=actor_of(request).user).first()
        )
        if mention is None:
            raise Http404
        mentions.read(mention)
        if "open" in request.POST:
            page = reverse("admin:cases_case_change", args=[mention.note.case_id])
            return HttpResponseRedirect(f"{page}#note-{mention.note_id}")
        return HttpResponseRedirect(reverse("admin:cases_mention_changelist"))


def _shown(mention: Mention) -> tuple[Mention, str]:
    return mention, notes_section.text_of(mention.note)
