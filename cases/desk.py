"""The desk itself: name, navigation, and every page in the time zone of who looks at it.

Outside the package of the admin, since Django makes the site before any of its modules may register at it.
"""

import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, update_wrapper
from typing import Any, Final, TypeVar, cast

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dsrportal.database.prepared import ask

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the navigation: a registered model's list, or a page of its own with its permission."""

    label: str | Promise
    icon: str
    model: str = ""
    url_name: str = ""
    permission: str = ""

    @property
    def address_name(self) -> str:
        return self.url_name or f"admin:{self.model.replace('.', '_')}_changelist"


@dataclass(frozen=True, slots=True)
class Link:
    label: str | Promise
    icon: str
    url: str
    current: bool
    # What waits there, in words ("12", "999+"); empty for nothing.
    counted: str = ""


PLACES: Final[tuple[tuple[str | Promise, tuple[Place, ...]], ...]] = (
    (
        _("Cases"),
        (
            Place(_("Home"), "home", url_name="admin:index"),
            Place(_("Cases"), "cases", model="cases.case"),
            Place(_("Attention"), "attention", model="cases.attentionitem"),
            Place(_("Tasks"), "task", model="cases.manualtask"),
            Place(_("Mentions"), "mention", model="cases.mention"),
            Place(_("Bulk runs"), "bulk", model="cases.bulkrun"),
            Place(_("Imports"), "upload", model="cases.caseimport"),
        ),
    ),
    (
        _("Systems"),
        (
            Place(_("Processors"), "processors", model="integrations.processor"),
            Place(_("Callbacks"), "deliveries", model="cases.callbackdelivery"),
            Place(_("Intake sources"), "form", model="cases.intakesource"),
            Place(_("Jobs"), "jobs", url_name="admin:jobs", permission="cases.view_jobs"),
            Place(_("Health"), "health", url_name="admin:health", permission="cases.view_jobs"),
        ),
    ),
    (_("Audit"), (Place(_("Audit trail"), "audit", model="cases.auditevent"),)),
    (
        _("Administration"),
        (
            Place(_("Users"), "people", model="dsrportal.user"),
            Place(_("Roles"), "roles", model="auth.group"),
            Place(_("Verification"), "rules", model="cases.verificationrule"),
        ),
    ),
    # Everybody's, and no part of the house: it stands apart, without a title.
    ("", (Place(_("Help"), "help", url_name="admin:help"),)),
)


def called(model: Any) -> str | Promise:
    """What the navigation calls the list of a model; `model` are its options."""
    found = [place.label for _title, places in PLACES for place in places if place.model == model.label_lower]
    return found[0] if found else capfirst(model.verbose_name_plural)


class LogInForm(AdminAuthenticationForm):
    """One sentence that does not say which of the two is wrong."""

    error_messages: dict[str, Any] = {  # noqa: RUF012  (the base declares it so)
        **AdminAuthenticationForm.error_messages,
        "invalid_login": _("The username or the password is wrong. Check the capitalisation."),
    }


class DeskSite(admin.AdminSite):
    login_form = LogInForm
    site_title = "DSR Portal"
    site_header = "DSR Portal"
    index_title = _("Home")
    site_url = None
    enable_nav_sidebar = False
    empty_value_display = "–"

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        inner = super().admin_view(view, cacheable)

        def in_users_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with timezone.override(users_zone(request)):
                response: HttpResponseBase = inner(request, *args, **kwargs)
                # Rendered here: later the zone would be the server's again.
                if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                    response.render()
                return response

        # Carries Django's marks (csrf_exempt, login_required) over.
        marked: Any = update_wrapper(in_users_zone, inner)
        return cast(View, marked)

    def get_urls(self) -> list[Any]:
        """Without Django's view_on_site: nothing here has another site, and it looks up any row of any table."""
        ours = [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]
        # First, since Django's last address takes everything.
        return [
            path("me/", self.admin_view(self.me), name="me"),
            path("health/", self.admin_view(require_safe(self.health)), name="health"),
            path("help/", self.admin_view(self.help), name="help"),
            path("help/<slug:name>/", self.admin_view(self.help_page), name="help_page"),
            *ours,
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Of one app, for its index. No page shows all of them: the navigation is ours."""
        return super().get_app_list(request, app_label) if app_label else []

    def health(self, request: HttpRequest) -> HttpResponse:
        from cases.admin.operations.health import health_view

        return health_view(request, self.each_context(request))

    def help(self, request: HttpRequest) -> HttpResponse:
        from cases.admin.help.views import home_page

        return home_page(request, self.each_context(request))

    def help_page(self, request: HttpRequest, name: str) -> HttpResponse:
        from cases.admin.help.views import manual_page

        return manual_page(request, self.each_context(request), name)

    def me(self, request: HttpRequest) -> HttpResponseBase:
        from cases.admin.people.my_settings import me_page

        return me_page(request, self.each_context(request))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        # Its modules register at this site, so it cannot import them at the top.
        from cases.admin.home.board import board

        return super().index(request, {**board(request), **(extra_context or {})})

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from cases.admin.people.user import recorded

        change = super().password_change
        return recorded(request, lambda: change(request, extra_context))

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from cases.admin.help.links import explanation
        from cases.admin.home import counts
        from cases.admin.processors import pausing
        from cases.services.processors import pausing as pauses

        context = {
            **super().each_context(request),
            "explanation": explanation(request),
            "zone_name": timezone.get_current_timezone_name(),
        }
        if not request.user.is_authenticated:
            return {**context, "pauses": pausing.NOTHING_PAUSED, "navigation": []}
        stand, waiting = ask(pauses.PAUSED.given(), counts.counting(request))
        return {
            **context,
            "pauses": pausing.paused(request, list(pauses.read(stand))),
            "navigation": list(self._navigation(request, counts.read(request, waiting))),
        }

    def _navigation(
        self, request: HttpRequest, waiting: dict[str, str]
    ) -> Iterator[tuple[str | Promise, list[Link]]]:
        if not self.has_permission(request):
            return
        for title, places in PLACES:
            links = [link for place in places if (link := self._link(request, place, waiting))]
            if links:
                yield title, links

    def _link(self, request: HttpRequest, place: Place, waiting: dict[str, str]) -> Link | None:
        """A link to what this person may see; None for what they may not, or what is not registered."""
        url = _address(place.address_name) if self._may_see(request, place) else ""
        if not url:
            return None
        exact = place.url_name == "admin:index"
        current = request.path == url if exact else request.path.startswith(url)
        return Link(place.label, place.icon, url, current, waiting.get(place.model, ""))

    def _may_see(self, request: HttpRequest, place: Place) -> bool:
        if place.url_name:
            return not place.permission or request.user.has_perm(place.permission)
        model_admin = self._admins.get(place.model)
        return model_admin is not None and model_admin.has_view_permission(request)

    @cached_property
    def _admins(self) -> dict[str, "admin.ModelAdmin[Any]"]:
        """By the label of their model, once all are registered."""
        return {model._meta.label_lower: model_admin for model, model_admin in self._registry.items()}


@cache
def _address(name: str) -> str:
    """The same for everybody and in every request; "" where there is none."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def users_zone(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The zone a person chose. One that this machine does not know falls back to UTC."""
    try:
        return zoneinfo.ZoneInfo(getattr(request.user, "time_zone", "") or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
