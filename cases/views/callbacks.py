"""Callbacks of mParticle or another OpenDSR processor."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from cases.services.reports import callbacks
from cases.views.bodies import read_body
from dsrportal.client_address import client_address

CALLBACK_LIMIT_BYTES = 256 * 1024


@csrf_exempt
@require_POST
def opendsr_callback(request: HttpRequest, token: str) -> HttpResponse:
    """202 verified and kept, 401 not verified, 413 too large, 503 try again; the body is always empty."""
    body = read_body(request, limit_bytes=CALLBACK_LIMIT_BYTES)
    if body is None:
        return HttpResponse(status=413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    status = callbacks.receive(token=token, headers=headers, body=body, address=client_address(request))
    return HttpResponse(status=status)
