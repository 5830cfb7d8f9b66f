"""The OpenAPI document of the intake API, made of the same vocabularies and limits as the code that reads bodies."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from cases.services.intake.receipts import REMEMBERED
from cases.views import intake_body, problems
from cases.views.openapi_schemas import Schema, schemas
from cases.views.problems import Fault, Problem
from integrations.types import IdentityType

# Each of these is sent to the real address by a test.
REQUESTS: Final[dict[str, Schema]] = {
    "access": {
        "summary": "Somebody wants to see their data",
        "value": {
            "type": "access",
            "regulation": "gdpr",
            "received_at": "2026-05-04T09:30:00+02:00",
            "identities": [
                {"type": "email", "value": "ada@example.org"},
                {"type": "controller_customer_id", "value": "C-1815"},
            ],
            "language": "en-GB",
            "external_reference": "form-20260504-17",
        },
    },
    "erasure": {
        "summary": "The least there is to say",
        "value": {
            "type": "erasure",
            "regulation": "gdpr",
            "identities": [{"type": "email", "value": "ada@example.org"}],
        },
    },
    "opt_out": {
        "summary": "Consent is taken back: sent to the processors at once",
        "value": {
            "type": "opt_out",
            "regulation": "gdpr",
            "identities": [{"type": "email", "value": "ada@example.org"}],
            "purposes": ["advertising"],
        },
    },
    "correction": {
        "summary": "An address is wrong",
        "value": {
            "type": "correction",
            "regulation": "gdpr",
            "identities": [{"type": "email", "value": "ada@exmaple.org"}],
            "corrections": [{"type": "email", "value": "ada@exmaple.org", "new_value": "ada@example.org"}],
        },
    },
}
_FAULT: Final = Fault("/identities/0/type", f"This has to be one of: {', '.join(IdentityType.values)}.")
_OPENED: Final = {"reference": "DSR-2026-000017", "status": "received", "due_on": "2026-06-04"}


@require_safe
def openapi(request: HttpRequest) -> JsonResponse:
    return JsonResponse(document())


def document() -> Schema:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DSR Portal: intake API",
            "version": "1.0.0",
            "description": (
                "For forms of your own. A form opens a case when a person asks, and may ask where that case stands. "
                "What a form says is a claim: nothing is looked up or changed for a case before an agent has verified "
                "the person, but for an opt-out, which the law wants carried out without that."
            ),
        },
        "servers": [{"url": settings.PORTAL_BASE_URL}],
        "security": [{"token": []}],
        "paths": {"/api/v1/cases": {"post": _open()}, "/api/v1/cases/{reference}": {"get": _look()}},
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of an intake source: shown once, when it is made or replaced.",
                }
            },
            "schemas": schemas(),
        },
    }


def _open() -> Schema:
    return {
        "operationId": "openCase",
        "summary": "Open a case",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": (
                    "A new one, such as a UUID, for each request of a person, and the same one whenever that request "
                    f"is sent again. It is remembered for {REMEMBERED.days} days."
                ),
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                "example": "5e1c9b1e-9a3d-4c64-8a1f-2f0f6f3a7f10",
            }
        ],
        "requestBody": {
            "required": True,
            "description": f"{intake_body.LIMIT_BYTES} bytes at most.",
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/NewCase"},
                    "examples": REQUESTS,
                }
            },
        },
        "responses": {
            "201": {
                "description": "Opened now.",
                "headers": {
                    "Location": {
                        "description": "Where to ask how it stands.",
                        "schema": {"type": "string", "format": "uri-reference"},
                    }
                },
                **_json("OpenedCase", _OPENED),
            },
            "200": {
                "description": "Opened before, under this key: the answer that was given then.",
                **_json("OpenedCase", _OPENED),
            },
            **_refusals(
                problems.NO_KEY,
                problems.NOT_JSON,
                problems.UNAUTHORIZED,
                problems.NOT_ALLOWED,
                problems.TOO_LARGE,
                problems.MEDIA_TYPE,
                problems.INVALID,
                problems.KEY_REUSED,
                problems.TOO_MANY,
                problems.UNAVAILABLE,
            ),
        },
    }


def _look() -> Schema:
    return {
        "operationId": "lookAtCase",
        "summary": "Where a case stands that this source opened",
        "description": (
            "The outcome is told of cases whose person was verified, and of no other: else whoever fills in a form "
            "could learn whether somebody else is known."
        ),
        "parameters": [
            {
                "name": "reference",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "example": _OPENED["reference"],
            }
        ],
        "responses": {
            "200": {"description": "How it stands.", **_json("Case", {**_OPENED, "outcome": None})},
            **_refusals(problems.UNAUTHORIZED, problems.NOT_FOUND, problems.TOO_MANY, problems.UNAVAILABLE),
        },
    }


def _json(schema: str, example: Schema) -> Schema:
    return {
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{schema}"},
                "example": example,
            }
        }
    }


def _refusals(*refusals: Problem) -> Schema:
    """By status; where two share one, each has its example."""
    found: Schema = {}
    for each in refusals:
        answer = found.setdefault(
            str(each.status),
            {
                "description": each.title,
                "content": {
                    problems.CONTENT_TYPE: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        if each.status in {429, 503}:
            answer["headers"] = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
        body = each.body
        if each is problems.INVALID:
            body["errors"] = [{"pointer": _FAULT.pointer, "detail": _FAULT.detail}]
        elif each is problems.NOT_ALLOWED:
            body["errors"] = [{"pointer": "/type", "detail": "This source may not open cases of this kind."}]
        answer["content"][problems.CONTENT_TYPE]["examples"][each.name] = {"value": body}
    return found
