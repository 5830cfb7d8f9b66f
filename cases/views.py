"""What is public: callbacks of mParticle or another OpenDSR processor, a person's confirmation, and two for probes."""

import re
from io import BytesIO

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.actor import Actor, Source
from cases.services import callbacks, email_links, guesses, health, verification
from cases.services.health import State
from cases.services.refusal import Refused
from dsrportal.client import client_address

CALLBACK_LIMIT_BYTES = 256 * 1024


@csrf_exempt
@require_POST
def opendsr_callback(request: HttpRequest, token: str) -> HttpResponse:
    """202 verified and kept, 401 not verified, 413 too large, 503 try again; the body is always empty."""
    body = _read_body(request)
    if body is None:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    status = callbacks.receive(token=token, headers=headers, body=body, address=client_address(request))
    return HttpResponse(status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """The page of a person's link. Opening it changes nothing, because mail scanners open links: the button does.

    200 for a link that can be used, 404 for any other, whatever is wrong with it; 429 after too many of those, 503
    where the case cannot go on at this moment.
    """
    address = client_address(request)
    if guesses.too_many(address):
        return _shown(request, "limited", status=429)
    found = email_links.usable(token)
    if found is None:
        guesses.note(address)
        return _shown(request, "gone", status=404)
    if request.method != "POST":
        return _shown(request, "ask", kind=found.case.get_type_display(), type=found.case.type)
    try:
        done = verification.confirm(token, actor=Actor(Source.PERSON, address=address))
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
        render(request, "portal/confirm_email.html", {"state": state, **more}, status=status),
        with_form=state == "ask",
    )


def _private(response: HttpResponse, *, with_form: bool = False) -> HttpResponse:
    """Kept by nobody, found by no search engine, and its address told to nobody.

    `strict-origin` tells no path either. Under `no-referrer` a browser says of a form that it comes from nowhere
    (`Origin: null`), and Django would refuse it as forged.
    """
    response.headers["Referrer-Policy"] = "strict-origin" if with_form else "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return _unkept(response)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers. Asks nobody: without database and workers it must not be turned away from."""
    return _unkept(JsonResponse({"status": "ok"}))


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether all that the portal needs is there: 200, also where something is late, or 503."""
    found = health.lately()
    checks = {check.name: {"ok": check.state == State.OK, **check.figures} for check in found.checks}
    status = 503 if found.state == State.FAILING else 200
    return _unkept(JsonResponse({"status": found.state, "checks": checks}, status=status))


def _unkept(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    return response


def _read_body(request: HttpRequest) -> bytes | None:
    """The raw bytes, None where there are more than the limit.

    granian with Django gives an empty `request.body` for a POST without Content-Length (chunked), so the
    stream is read itself, up to the limit and one byte.
    """
    stated = request.META.get("CONTENT_LENGTH") or ""
    if stated:
        if not re.fullmatch("[0-9]{1,9}", stated) or int(stated) > CALLBACK_LIMIT_BYTES:
            return None
        return request.body
    stream = request.META.get("wsgi.input") or BytesIO()
    body: bytes = stream.read(CALLBACK_LIMIT_BYTES + 1)
    return body if len(body) <= CALLBACK_LIMIT_BYTES else None
