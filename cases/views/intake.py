"""The intake API: forms of our own open cases and ask where they stand. No session and no cookie has a part in it."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from cases.models import IntakeSource
from cases.services.intake import limits as intake_limits
from cases.services.intake import receipts, rules
from cases.services.intake import sources as intake_sources
from cases.services.intake.receipts import OtherBody
from cases.services.intake.rules import CannotOpen
from cases.services.refusal import Refused
from cases.views import intake_body, problems
from cases.views.bodies import read_body
from cases.views.problems import Fault
from dsrportal.client_address import client_address

_KEY: Final = re.compile(r"[!-~]{1,255}")
_BEARER: Final = re.compile(r"Bearer +([!-~]{1,200})", re.IGNORECASE)

View = Callable[..., HttpResponse]


def _for_sources(view: Callable[..., HttpResponse]) -> View:
    """Who it is, and whether it may ask now; then the view. Where database or store fail nothing was done: 503."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            source = _source(request)
            if source is None:
                return problems.answer(problems.UNAUTHORIZED)
            wait_seconds = intake_limits.take(source)
            if wait_seconds:
                return problems.answer(problems.TOO_MANY, retry_seconds=wait_seconds)
            return view(request, source, *args, **kwargs)
        except (intake_limits.Uncounted, OperationalError, InterfaceError):
            return problems.answer(problems.UNAVAILABLE, retry_seconds=problems.RETRY_SECONDS)

    return guarded


@csrf_exempt
@require_POST
@_for_sources
@sensitive_variables()
def open_case(request: HttpRequest, source: IntakeSource) -> HttpResponse:
    """201 opened, 200 opened before under this key; the answers that say no are in the OpenAPI document."""
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        return problems.answer(problems.NO_KEY)
    if request.content_type != "application/json":
        return problems.answer(problems.MEDIA_TYPE)
    raw = read_body(request, limit_bytes=intake_body.LIMIT_BYTES)
    if raw is None:
        return problems.answer(problems.TOO_LARGE)
    try:
        document = intake_body.parse(raw)
    except intake_body.Unreadable:
        return problems.answer(problems.NOT_JSON)
    return _open(source, key, document, address=client_address(request))


@sensitive_variables()
def _open(source: IntakeSource, key: str, document: Any, *, address: str) -> HttpResponse:
    body = intake_body.read(document)
    order = body.order
    faults = body.faults if order is None else [*body.faults, *body.placed(rules.of_fields(order.asked))]
    if order is None or faults:
        return problems.answer(problems.INVALID, faults)
    barred = [
        Fault(f"/{name}", "This source may not open cases of this kind.")
        for name, value, allowed in (
            ("type", order.asked.type, source.types),
            ("regulation", order.asked.regulation, source.regulations),
        )
        if value not in allowed
    ]
    if barred:
        return problems.answer(problems.NOT_ALLOWED, barred)
    actor = intake_sources.actor_of(source, address=address)
    try:
        answer, opened = receipts.open_once(
            order, source=source, actor=actor, key=key, body=_fingerprint(document)
        )
    except OtherBody:
        return problems.answer(problems.KEY_REUSED)
    except CannotOpen as refused:
        return problems.answer(problems.INVALID, body.placed(refused.faults))
    except Refused as refused:
        return problems.answer(
            problems.INVALID, [Fault("", sentence.english) for sentence in refused.sentences]
        )
    # In one order, so that the same answer is the same bytes: the database keeps one of its own.
    in_order = {"sort_keys": True}
    response = _unkept(JsonResponse(answer, status=201 if opened else 200, json_dumps_params=in_order))
    if opened:
        response["Location"] = reverse("intake-case", args=[answer["reference"]])
    return response


@csrf_exempt
@require_safe
@_for_sources
def one_case(request: HttpRequest, source: IntakeSource, reference: str) -> HttpResponse:
    """Where a case stands that this source opened. Of others' nobody learns here that they exist."""
    told = receipts.find(source, reference)
    return _unkept(JsonResponse(told)) if told else problems.answer(problems.NOT_FOUND)


def _source(request: HttpRequest) -> IntakeSource | None:
    """None for no token, an unknown one, and one of a source that is not active: nobody can tell them apart."""
    given = _BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    return intake_sources.by_token(given[1]) if given else None


def _fingerprint(document: Any) -> bytes:
    """Equal for documents that mean the same, however they were spaced and ordered."""
    plain = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode()).digest()


def _unkept(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
