"""The two addresses for probes."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from cases.services.status import health
from cases.services.status.health import State


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether this process answers. Asks nobody: without database and workers it must not be turned away from."""
    return _unkept(JsonResponse({"status": "ok"}))


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether all that the portal needs is there: 200, also where something is late, or 503."""
    found = health.recent()
    checks = {check.name: {"ok": check.state == State.OK, **check.figures} for check in found.checks}
    status = 503 if found.state == State.FAILING else 200
    return _unkept(JsonResponse({"status": found.state, "checks": checks}, status=status))


def _unkept(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store"
    return response
