"""Intake sources: forms of our own that open cases. A token is shown on one page, once; nothing is deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from cases.actor import Actor
from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.processors.page import copyable
from cases.admin.readonly import DeskAdmin, moment
from cases.models import IntakeSource
from cases.services.intake import sources as intake_sources
from cases.services.intake.sources import Terms
from cases.services.refusal import Refused
from integrations.types import Regulation, RequestType

Context = dict[str, Any]


class IntakeSourceForm(forms.ModelForm):
    types = forms.MultipleChoiceField(
        label=gettext_lazy("May open"),
        choices=RequestType.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
        help_text=gettext_lazy(
            "An opt-out leaves for the processors as soon as it comes in. All others wait until an agent has verified "
            "the person."
        ),
        error_messages={"required": gettext_lazy("Choose at least one type.")},
    )
    regulations = forms.MultipleChoiceField(
        label=gettext_lazy("Under"),
        choices=Regulation.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
        error_messages={"required": gettext_lazy("Choose at least one regulation.")},
    )

    class Meta:
        model = IntakeSource
        fields = ("name", "types", "regulations", "per_minute")

    @property
    def terms(self) -> Terms:
        said = self.cleaned_data
        return Terms(
            name=said["name"],
            types=said["types"],
            regulations=said["regulations"],
            per_minute=said["per_minute"],
        )


@dataclass(frozen=True, slots=True)
class Verb:
    """What people do to a source besides changing it. `call` gives a token where it made one."""

    name: str
    label: str | Promise
    icon: str
    lead: str | Promise
    told: str | Promise
    call: Callable[[IntakeSource, Actor], str | None]
    danger: bool = False
    # None: always offered; else only while the source is, or is not, active.
    while_active: bool | None = None


VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb(
            "rotate",
            gettext_lazy("Replace the token"),
            "key",
            gettext_lazy(
                "The form gets a new token, which is shown once on the next page. The present one stops working at "
                "once: until the new one is entered there, the form opens no cases."
            ),
            "",
            lambda source, actor: intake_sources.rotate(source, actor=actor),
        ),
        Verb(
            "deactivate",
            gettext_lazy("Deactivate"),
            "pause",
            gettext_lazy(
                "Its token is refused like an unknown one. Cases that it opened go on; it is told of them no more."
            ),
            gettext_lazy("%(name)s opens no more cases."),
            lambda source, actor: intake_sources.deactivate(source, actor=actor),
            danger=True,
            while_active=True,
        ),
        Verb(
            "activate",
            gettext_lazy("Activate"),
            "check",
            gettext_lazy(
                "Its token is taken again. If somebody may have learnt it, replace the token as well."
            ),
            gettext_lazy("%(name)s opens cases again."),
            lambda source, actor: intake_sources.activate(source, actor=actor),
            while_active=False,
        ),
    )
}


@admin.register(IntakeSource)
class IntakeSourceAdmin(DeskAdmin):
    form = IntakeSourceForm
    list_display = ("name", "state", "opens", "per_minute", "last_used")
    sortable_by = ("name",)
    ordering = ("name",)
    change_list_template = "admin/cases/intakesource/change_list.html"
    add_form_template = "admin/cases/intakesource/change_form.html"
    change_form_template = "admin/cases/intakesource/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        verb = never_cache(self.admin_site.admin_view(self.verb_view))
        return [
            path("<int:source_id>/do/<slug:name>/", verb, name="cases_intakesource_verb"),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- the form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        fields = ("name", "types", "regulations", "per_minute") if may else ("name", "opens", "per_minute")
        own = ((None, {"fields": fields}),)
        if obj is None:
            return own
        facts = ("state", "added", "token_made", "last_used", "address", "document")
        return (*own, (_("How it is used"), {"fields": facts}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("state", "opens", "added", "token_made", "last_used", "address", "document")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            # Only a rival saving in the same moment comes this far; the form has said everything else.
            messages.error(request, str(refused))
            return HttpResponseRedirect(request.get_full_path())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Context | None = None
    ) -> HttpResponse:
        source = self.get_object(request, object_id)
        offered = _offered(source) if source and self.has_change_permission(request, source) else []
        return super().change_view(request, object_id, form_url, {"verbs": offered, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        actor = actor_of(request)
        if change:
            intake_sources.change(obj, form.terms, actor=actor)
            return
        made, obj.token = intake_sources.create(form.terms, actor=actor)
        obj.pk = made.pk

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """No redirect: the token would have to be kept somewhere on its way to the next page."""
        return self._token_page(request, obj, obj.token)

    def _token_page(self, request: HttpRequest, source: IntakeSource, token: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The token of %(name)s") % {"name": source.name},
            "source": source,
            "token": copyable(token),
            "address": copyable(_address("intake-cases")),
            "document": copyable(_address("intake-openapi")),
            "back": _page_of(source),
        }
        response = TemplateResponse(request, "portal/intake/token.html", context)
        response["Cache-Control"] = "no-store"
        return response

    # --- the verbs

    def verb_view(self, request: HttpRequest, source_id: int, name: str) -> HttpResponse:
        """GET says what would happen and does nothing; POST does it."""
        verb = VERBS.get(name)
        if verb is None:
            raise Http404
        if not (self.has_view_permission(request) and self.has_change_permission(request)):
            raise PermissionDenied
        source = get_object_or_404(IntakeSource, pk=source_id)
        back = _page_of(source)
        if request.method != "POST":
            context = {**self.admin_site.each_context(request), "opts": self.opts, "title": verb.label}
            context |= {"verb": verb, "source": source, "back": back}
            return TemplateResponse(request, "portal/intake/source_verb.html", context)
        try:
            token = verb.call(source, actor_of(request))
        except Refused as refused:
            messages.error(request, str(refused))
            return HttpResponseRedirect(back)
        if token:
            return self._token_page(request, source, token)
        messages.success(request, str(verb.told) % {"name": source.name})
        return HttpResponseRedirect(back)

    # --- what is shown

    @admin.display(description=gettext_lazy("State"))
    def state(self, source: IntakeSource) -> SafeString:
        if source.active:
            return widgets.badge(_("Active"), "good", "check")
        return widgets.badge(_("Not active"), "quiet", "pause")

    @admin.display(description=gettext_lazy("May open"))
    def opens(self, source: IntakeSource) -> str:
        types = [str(RequestType(value).label) for value in source.types]
        laws = [str(Regulation(value).label) for value in source.regulations]
        every = len(types) == len(RequestType)
        what = _("Every type") if every else ", ".join(types)
        return _("%(types)s under %(laws)s") % {"types": what, "laws": get_text_list(laws, _("and"))}

    @admin.display(description=gettext_lazy("Added"))
    def added(self, source: IntakeSource) -> str:
        return _("%(when)s by %(who)s") % {
            "when": moment(source.created_at),
            "who": source.created_by.get_username(),
        }

    @admin.display(description=gettext_lazy("Token since"))
    def token_made(self, source: IntakeSource) -> str:
        return moment(source.token_made_at)

    @admin.display(description=gettext_lazy("Last used"))
    def last_used(self, source: IntakeSource) -> str:
        """Kept to the hour."""
        if source.last_used_at is None:
            return _("Never")
        return date_format(timezone.localtime(source.last_used_at), "d M Y, H:i")

    @admin.display(description=gettext_lazy("Address"))
    def address(self, source: IntakeSource) -> SafeString:
        return copyable(_address("intake-cases"))

    @admin.display(description=gettext_lazy("OpenAPI document"))
    def document(self, source: IntakeSource) -> SafeString:
        return copyable(_address("intake-openapi"))


def _offered(source: IntakeSource) -> list[Verb]:
    return [verb for verb in VERBS.values() if verb.while_active in {None, source.active}]


def _address(name: str) -> str:
    return str(settings.PORTAL_BASE_URL) + reverse(name)


def _page_of(source: IntakeSource) -> str:
    return reverse("admin:cases_intakesource_change", args=[source.pk])
