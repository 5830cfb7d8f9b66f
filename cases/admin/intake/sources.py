"""Intake sources: forms of our own that open cases. A token is shown on one page, once; nothing is deleted."""

from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from cases.admin import widgets
from cases.admin.actors import actor_of
from cases.admin.processors.page import copyable
from cases.admin.readonly import DeskAdmin, moment
from cases.admin.verb import Verb, offered, permitted, verb_page
from cases.models import IntakeSource
from cases.services.intake import sources as intake_sources
from cases.services.intake.sources import Terms
from cases.services.refusal import Refused
from integrations.types import Regulation, RequestType

Context = dict[str, Any]


class IntakeSourceForm(forms.ModelForm):
    types = forms.MultipleChoiceField(
        label=gettext_lazy("Can open"),
        choices=RequestType.choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choices"}),
        help_text=gettext_lazy(
            "Opt-outs are sent to the processors as soon as they arrive. All other requests wait until "
            "an agent has verified the requester."
        ),
        error_messages={"required": gettext_lazy("Choose at least one type.")},
    )
    regulations = forms.MultipleChoiceField(
        label=gettext_lazy("Regulations"),
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


CHANGE: Final = "cases.change_intakesource"


def _with_token(request: HttpRequest, context: Context, source: IntakeSource, token: str) -> HttpResponse:
    """No redirect: the token would have to be kept somewhere on its way to the next page."""
    shown = {
        "title": _("Token of %(name)s") % {"name": source.name},
        "source": source,
        "token": copyable(token),
        "address": copyable(_address("intake-cases")),
        "document": copyable(_address("intake-openapi")),
        "back": _page_of(source),
    }
    response = TemplateResponse(request, "portal/intake/token.html", {**context, **shown})
    response["Cache-Control"] = "no-store"
    return response


VERBS: Final[tuple[Verb[IntakeSource], ...]] = (
    Verb(
        "rotate",
        gettext_lazy("Replace the token"),
        "key",
        CHANGE,
        gettext_lazy(
            "The form gets a new token, which is shown once on the next page. The current token stops "
            "working at once. Until the new one is entered in the form, it cannot open cases."
        ),
        lambda source, actor, _said: intake_sources.rotate(source, actor=actor),
        answer=_with_token,
    ),
    Verb(
        "deactivate",
        gettext_lazy("Deactivate"),
        "pause",
        CHANGE,
        gettext_lazy(
            "Its token is rejected like an unknown one. Cases it has opened continue, but it no longer "
            "receives updates about them."
        ),
        lambda source, actor, _said: intake_sources.deactivate(source, actor=actor),
        due=lambda source: source.active,
        told=lambda source, _nothing: _("%(name)s can no longer open cases.") % {"name": source.name},
        danger=True,
    ),
    Verb(
        "activate",
        gettext_lazy("Activate"),
        "check",
        CHANGE,
        gettext_lazy("Its token is accepted again. If someone else may know it, replace the token as well."),
        lambda source, actor, _said: intake_sources.activate(source, actor=actor),
        due=lambda source: not source.active,
        told=lambda source, _nothing: _("%(name)s can open cases again.") % {"name": source.name},
    ),
)


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
        return (*own, (_("Usage"), {"fields": facts}))

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
        verbs = offered(request, VERBS, source) if source else []
        return super().change_view(request, object_id, form_url, {"verbs": verbs, **(extra_context or {})})

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
        return _with_token(request, self._context(request), obj, obj.token)

    def _context(self, request: HttpRequest) -> Context:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    def verb_view(self, request: HttpRequest, source_id: int, name: str) -> HttpResponseBase:
        verb = permitted(request, VERBS, name, sees="cases.view_intakesource")
        source = get_object_or_404(IntakeSource, pk=source_id)

        def shown(_refused: Refused | None) -> Context:
            return {"named": source}

        context = self._context(request)
        return verb_page(request, context, verb, source, back=_page_of(source), shown=shown)

    # --- what is shown

    @admin.display(description=gettext_lazy("Status"))
    def state(self, source: IntakeSource) -> SafeString:
        if source.active:
            return widgets.badge(_("Active"), "good", "check")
        return widgets.badge(_("Inactive"), "quiet", "pause")

    @admin.display(description=gettext_lazy("Can open"))
    def opens(self, source: IntakeSource) -> str:
        types = [str(RequestType(value).label) for value in source.types]
        laws = [str(Regulation(value).label) for value in source.regulations]
        every = len(types) == len(RequestType)
        what = _("All types") if every else ", ".join(types)
        return _("%(types)s under %(laws)s") % {"types": what, "laws": get_text_list(laws, _("and"))}

    @admin.display(description=gettext_lazy("Added"))
    def added(self, source: IntakeSource) -> str:
        return _("%(when)s by %(who)s") % {
            "when": moment(source.created_at),
            "who": source.created_by.get_username(),
        }

    @admin.display(description=gettext_lazy("Token created"))
    def token_made(self, source: IntakeSource) -> str:
        return moment(source.token_made_at)

    @admin.display(description=gettext_lazy("Last used"))
    def last_used(self, source: IntakeSource) -> str:
        """Kept to the hour."""
        if source.last_used_at is None:
            return _("Never")
        return date_format(timezone.localtime(source.last_used_at), "DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("Address"))
    def address(self, source: IntakeSource) -> SafeString:
        return copyable(_address("intake-cases"))

    @admin.display(description=gettext_lazy("OpenAPI document"))
    def document(self, source: IntakeSource) -> SafeString:
        return copyable(_address("intake-openapi"))


def _address(name: str) -> str:
    return str(settings.PORTAL_BASE_URL) + reverse(name)


def _page_of(source: IntakeSource) -> str:
    return reverse("admin:cases_intakesource_change", args=[source.pk])
