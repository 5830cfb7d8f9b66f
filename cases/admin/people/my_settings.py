"""Settings that people change for themselves: the language and the time zone of the desk."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from cases.admin.actors import actor_of
from cases.admin.people.user import time_zones
from cases.services import users
from dsrportal.models import Language, User


class MyForm(forms.Form):
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=Language.choices, required=False)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=time_zones,
        help_text=gettext_lazy(
            "All times are shown in this time zone. Legal deadlines keep the time zone of their regulation."
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def me_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponseBase:
    user = request.user
    assert isinstance(user, User)  # the desk lets nobody else in
    form = MyForm(request.POST or None, initial={"language": user.language, "time_zone": user.time_zone})
    if request.method == "POST" and form.is_valid():
        users.settled(user, actor=actor_of(request), **form.cleaned_data)
        with translation.override(user.language or translation.get_language()):
            messages.success(request, _("Your settings were saved."))
        return HttpResponseRedirect(reverse("admin:me"))
    return TemplateResponse(
        request, "portal/people/my_settings.html", {**context, "title": _("My settings"), "form": form}
    )
