"""The public view: mParticle's, or another OpenDSR processor's, callbacks."""

import re
from io import BytesIO

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cases.services import callbacks
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
