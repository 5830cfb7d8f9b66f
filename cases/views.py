"""What is public: callbacks of mParticle or another OpenDSR processor, and the two addresses for probes."""

import re
from io import BytesIO

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from cases.services import callbacks, health
from cases.services.health import State
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
