"""The verb of the desk: one row of a table, and one page that asks before any of them is done.

A row names a permission, a form and one service call, and holds no rule of its own. The services decide: `due` only
says when a verb is worth offering, and whoever asks for another hears why not.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from cases.actor import Actor
from cases.admin.actors import actor_of
from cases.services.refusal import Refused
from dsrportal.crypto import KeyDestroyed, Unreadable
from dsrportal.sentence import Sentence

T = TypeVar("T")
V = TypeVar("V", bound="Verb[Any]")
Text = str | Promise
Values = dict[str, Any]


class ConfirmForm(forms.Form):
    """Asks nothing: the button is the answer."""

    def refuse(self, sentences: Iterable[Sentence | str]) -> None:
        """Show what the services said no to above the fields."""
        for sentence in sentences:
            self.add_error(None, str(sentence))


def always(*_about: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Verb(Generic[T]):
    """One thing to do to a T: a case, a processor; None where it is done to the portal as a whole."""

    name: str
    label: Text
    icon: str
    permission: str
    lead: Text
    # The one service call, with what the form said.
    call: Callable[[T, Actor, Values], Any]
    form: type[ConfirmForm] = ConfirmForm
    # What the form must know of the target: keyword arguments.
    asks: Callable[[T], Mapping[str, Any]] = field(default=lambda _target: {})
    initial: Callable[[T], Values] = field(default=lambda _target: {})
    # Of the target, and of what the table's own kind of verb knows besides.
    due: Callable[..., bool] = always
    # The message about what the call returned.
    told: Callable[[T, Any], str] = field(default=lambda _target, _result: "")
    # The response where a message is not enough.
    answer: Callable[[HttpRequest, Values, T, Any], HttpResponseBase] | None = None
    button: Text = ""
    danger: bool = False
    # What the page shows besides the form: what exactly is about to happen.
    page: Callable[[T, Actor], Values] = field(default=lambda _target, _actor: {})
    template: str = "portal/frame/verb.html"


def permitted(request: HttpRequest, verbs: Iterable[V], name: str, *, sees: str) -> V:
    """The verb of this name, for whoever may do it and may see what it is done to.

    Raises Http404 where no verb has the name, PermissionDenied where one of the two permissions is missing.
    """
    verb = next((verb for verb in verbs if verb.name == name), None)
    if verb is None:
        raise Http404
    if not request.user.has_perms([sees, verb.permission]):
        raise PermissionDenied
    return verb


def offered(request: HttpRequest, verbs: Iterable[V], *about: object) -> list[V]:
    """Verbs that this person may do and that are due."""
    return [verb for verb in verbs if request.user.has_perm(verb.permission) and verb.due(*about)]


# What is typed may be a person's: no report of an error has it.
@sensitive_post_parameters()
def verb_page(
    request: HttpRequest,
    context: Values,
    verb: Verb[T],
    target: T,
    *,
    back: str,
    actor: Actor | None = None,
    shown: Callable[[Refused | None], Values] = lambda _refused: {},
) -> HttpResponseBase:
    """GET says what would happen and changes nothing; POST does it, or says why not with all that was typed.

    `back` is the address that it leads to once it is done, or if nobody wants it; `actor` whoever it is done as, if
    that is more than the person who asks; `shown` adds to the page what the target's kind has to show, after a
    refusal too.
    """
    actor = actor or actor_of(request)
    refused: Refused | None = None
    context = {**context, "title": verb.label, "verb": verb, "back": back}
    if request.method == "POST":
        form = verb.form(request.POST, request.FILES, **verb.asks(target))
        if form.is_valid():
            try:
                result = verb.call(target, actor, form.cleaned_data)
            except Refused as no:
                refused = no
                form.refuse(no.sentences)
            except KeyDestroyed:
                form.refuse((_("The key was destroyed. This can never be read again."),))
            except Unreadable:
                form.refuse((_("This cannot be read. Ask an administrator to check the master keys."),))
            else:
                if verb.answer:
                    return verb.answer(request, {**context, **shown(None)}, target, result)
                messages.success(request, verb.told(target, result))
                return HttpResponseRedirect(back)
    else:
        form = verb.form(initial=verb.initial(target), **verb.asks(target))
    own = {**shown(refused), **verb.page(target, actor)}
    return TemplateResponse(request, verb.template, {**context, "form": form, **own})
