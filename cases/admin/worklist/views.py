"""Views of the list of cases: tabs above it with their counts, keeping what the list shows, and the page of one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.actors import actor_of
from cases.admin.paging import CountUpTo
from cases.admin.worklist import offered, registry, search
from cases.admin.worklist.conditions import asker_of
from cases.admin.worklist.filter_state import FilterState
from cases.models import SavedView
from cases.services.cached import cached
from cases.services.refusal import Refused
from cases.services.worklist import saved_views
from dsrportal.models import User

Context = dict[str, Any]
KEEP: Final = "cases.add_savedview"
SHARE: Final = "cases.share_savedview"
# A count ends here, and is so old at most.
MOST_COUNTED: Final = 99
KEPT_SECONDS: Final = 20
# So many stand as tabs, the others in a menu.
TABS: Final = 5


@dataclass(frozen=True, slots=True)
class Tab:
    name: str | Promise
    query: str
    shared: bool = False
    # Where it can be changed, by whom it is theirs to.
    edit: str = ""
    count: str = ""
    current: bool = False

    @property
    def address(self) -> str:
        cases = reverse("admin:cases_case_changelist")
        return f"{cases}?{self.query}" if self.query else cases


@dataclass(frozen=True, slots=True)
class Views:
    tabs: list[Tab]
    others: list[Tab]
    may_keep: bool
    may_share: bool
    # What the list shows now: whether that can be kept, and the address it has.
    keepable: bool
    query: str

    @property
    def current(self) -> Tab | None:
        return next((tab for tab in (*self.tabs, *self.others) if tab.current), None)


def views(request: HttpRequest, kept_views: Sequence[SavedView]) -> Views:
    """The tabs for whoever looks; `kept_views` are those that they may see."""
    user = request.user
    assert isinstance(user, User)
    now, kept = registry.canonical(request.GET, search_too=True), registry.canonical(request.GET)
    own = user.has_perm("cases.assign_case")
    tabs = [Tab(_("All open"), "")]
    tabs += [Tab(_("Mine"), "assignee=me")] if own else []
    for view in kept_views:
        edit = reverse("admin:cases_savedview_change", args=[view.pk])
        theirs = saved_views.may_change(view, user)
        tabs.append(Tab(view.name, view.query, view.shared, edit if theirs else ""))
    counts = _counts(request, user, [tab.query for tab in tabs])
    # Two of the same content: the first is meant.
    seen: set[str] = set()
    shown = []
    for tab in tabs:
        current = tab.query == now and now not in seen
        seen.add(tab.query)
        shown.append(replace(tab, count=counts[tab.query], current=current))
    return Views(
        tabs=shown[:TABS],
        others=shown[TABS:],
        may_keep=user.has_perm(KEEP),
        may_share=user.has_perm(SHARE),
        keepable=bool(kept) and kept not in seen,
        query=request.GET.urlencode(),
    )


def _counts(request: HttpRequest, user: User, queries: list[str]) -> dict[str, str]:
    """All in one statement, for this person in their zone, of the last seconds."""
    queries = list(dict.fromkeys(queries))
    said = "\n".join([str(user.pk), timezone.get_current_timezone_name(), *queries])
    name = f"views:1:{hashlib.sha256(said.encode()).hexdigest()}"

    def count() -> list[int]:
        asker = asker_of(request, {})
        limited = [
            CountUpTo(registry.narrowed(asker, asked).values("pk")[: MOST_COUNTED + 1])
            for asked in map(QueryDict, queries)
        ]
        return list(User.objects.filter(pk=user.pk).values_list(*limited).get())

    found = cached(name, seconds=KEPT_SECONDS, compute=count)
    return {
        query: f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)
        for query, number in zip(queries, found, strict=True)
    }


# --- keeping one


def save(request: HttpRequest) -> HttpResponse:
    """Keep what the list showed; what a search found is left out, and the person told."""
    shown = QueryDict(request.POST.get("query", ""))
    query = registry.canonical(shown)
    back = reverse("admin:cases_case_changelist")
    try:
        view = saved_views.save(
            actor=actor_of(request),
            name=request.POST.get("name", ""),
            query=query,
            shared=request.POST.get("shared") == "on",
        )
    except Refused as refused:
        messages.error(request, str(refused))
        again = registry.canonical(shown, search_too=True)
        return HttpResponseRedirect(f"{back}?{again}" if again else back)
    messages.success(request, _("Saved as view “%(name)s”.") % {"name": view.name})
    if shown.get(search.PARAMETER):
        messages.warning(
            request,
            _(
                "The results of the search by identifier are not saved with the view. Views never contain "
                "personal data."
            ),
        )
    return HttpResponseRedirect(f"{back}?{view.query}")


# --- the page of one


class SavedViewForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=40)
    shared = forms.BooleanField(
        label=gettext_lazy("Shared with everyone who has access to cases"), required=False
    )

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_share:
            del self.fields["shared"]


def change(request: HttpRequest, context: Context, view_id: int) -> HttpResponse:
    """Rename it, share it or take it back, or delete it. Somebody else's own view is not found."""
    user = request.user
    assert isinstance(user, User)
    view = saved_views.visible_to(user).filter(pk=view_id).select_related("owner").first()
    if view is None:
        raise Http404
    if not saved_views.may_change(view, user):
        raise PermissionDenied
    may_share = user.has_perm(SHARE)
    if request.method == "POST":
        form = SavedViewForm(request.POST, may_share=may_share)
        if "delete" in request.POST or form.is_valid():
            try:
                return _changed(request, view, form)
            except Refused as refused:
                form.is_valid()
                form.add_error(None, str(refused))
    else:
        form = SavedViewForm(initial={"name": view.name, "shared": view.shared}, may_share=may_share)
    context |= {"title": view.name, "view": view, "form": form, "filters": _in_words(request, view)}
    return TemplateResponse(request, "portal/worklist/saved_view.html", context)


def _changed(request: HttpRequest, view: SavedView, form: SavedViewForm) -> HttpResponse:
    cases = reverse("admin:cases_case_changelist")
    if "delete" in request.POST:
        saved_views.delete(view, actor=actor_of(request))
        messages.success(request, _("View “%(name)s” deleted.") % {"name": view.name})
        return HttpResponseRedirect(cases)
    said = form.cleaned_data
    shared = said.get("shared", view.shared)
    view = saved_views.change(view, actor=actor_of(request), name=said["name"], shared=shared)
    messages.success(request, _("Saved as view “%(name)s”.") % {"name": view.name})
    return HttpResponseRedirect(f"{cases}?{view.query}")


def _in_words(request: HttpRequest, view: SavedView) -> list[tuple[Any, str]]:
    """What it narrows to: titles of filters and what each is set to."""
    asked, tables = QueryDict(view.query), offered.offered(request)
    states = (FilterState(each, asked, tables, request.user.has_perm) for each in registry.FILTERS)
    return [
        (state.title, state.words)
        for state in states
        if any(name in asked for name in state.filter.parameters)
    ]
