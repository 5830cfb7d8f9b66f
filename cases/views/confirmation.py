"""The page of the link by which a person confirms an e-mail address."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from cases.actor import Actor, Source
from cases.services.person import email_links, link_limits, verification
from cases.services.refusal import Refused
from dsrportal.client_address import client_address


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a person's link. Opening it changes nothing, because mail scanners open links: the button does.

    200 for a link that can be used, 404 for any other, whatever is wrong with it; 429 after too many of those, 503
    where the case cannot go on at this moment.
    """
    address = client_address(request)
    if link_limits.too_many(address):
        return _shown(request, "limited", status=429)
    found = email_links.usable(token)
    if found is None:
        link_limits.note(address)
        return _shown(request, "gone", status=404)
    if request.method != "POST":
        return _shown(request, "ask", kind=found.case.get_type_display(), type=found.case.type)
    try:
        done = verification.confirm_by_link(token, actor=Actor(Source.PERSON, address=address))
    except Refused:
        return _shown(request, "later", status=503)
    if not done:
        return _shown(request, "gone", status=404)
    return _private(HttpResponseRedirect(reverse("email-confirmed")))


@require_safe
def email_confirmed(request: HttpRequest) -> HttpResponse:
    """Says thank you; of no link in particular, so that loading it again confirms nothing."""
    return _shown(request, "done")


def _shown(request: HttpRequest, state: str, *, status: int = 200, **more: str) -> HttpResponse:
    return _private(
        render(request, "portal/person/confirm_email.html", {"state": state, **more}, status=status),
        with_form=state == "ask",
    )


def _private(response: HttpResponse, *, with_form: bool = False) -> HttpResponse:
    """Kept by nobody, found by no search engine, and its address told to nobody.

    `strict-origin` tells no path either. Under `no-referrer` a browser says of a form that it comes from nowhere
    (`Origin: null`), and Django would refuse it as forged.
    """
    response.headers["Referrer-Policy"] = "strict-origin" if with_form else "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Cache-Control"] = "no-store"
    return response
