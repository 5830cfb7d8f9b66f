"""The manual's own pages: its first page with the search, and each page by its name."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cases.admin.help import contents, pages
from cases.admin.help.search import search

_LONGEST: Final = 100


@require_http_methods(["GET", "HEAD", "POST"])
def home_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The table of contents. A search is posted: a word that somebody types may be a person's, and addresses are kept
    by browsers and proxies."""
    language = contents.language()
    manual = contents.manual(language)
    sought = request.POST.get("sought", "").strip()[:_LONGEST]
    page = {
        **context,
        "title": _("Help"),
        "sought": sought,
        "hits": search(sought, language),
        "by_role": [(label, [manual[name] for name in names]) for label, names in pages.BY_ROLE],
        "by_task": [(label, [manual[name] for name in names]) for label, names in pages.BY_TASK],
    }
    return TemplateResponse(request, "portal/help/home.html", page)


@require_safe
def manual_page(request: HttpRequest, context: dict[str, Any], name: str) -> HttpResponse:
    """One page. Raises Http404 for a name that no page has."""
    manual = contents.manual(contents.language())
    if name not in manual:
        raise Http404
    page = manual[name]
    related = [manual[other] for other in pages.RELATED[name]]
    return TemplateResponse(
        request,
        "portal/help/page.html",
        {**context, "title": page.title, "page": page, "related": related},
    )
