"""JSON schemas of the intake API's OpenAPI document."""

from typing import Any, Final

from cases.lifecycle import Outcome
from cases.services.intake.receipts import STATUS_TOLD
from cases.views import intake_body, problems
from integrations.types import IdentityType, Regulation, RequestType

Schema = dict[str, Any]

_IDENTITY_TYPE: Final = {"type": "string", "enum": IdentityType.values}
_VALUE: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": intake_body.LONGEST_VALUE,
    "description": "Exactly as the person gave it.",
}


def schemas() -> Schema:
    told: Schema = {
        "reference": {"type": "string", "description": "What the portal calls the case."},
        "status": {"type": "string", "enum": list(dict.fromkeys(STATUS_TOLD.values()))},
        "due_on": {
            "type": "string",
            "format": "date",
            "description": "The last day on which the person can be answered in time.",
        },
    }
    outcome = {"type": ["string", "null"], "enum": [*Outcome.values, None]}
    return {
        "NewCase": _object(
            {
                "type": {"type": "string", "enum": RequestType.values},
                "regulation": {"type": "string", "enum": Regulation.values},
                "received_at": {
                    "type": "string",
                    "format": "date-time",
                    "pattern": intake_body.MOMENT,
                    "description": "When the person asked, with an offset: the legal clock starts then. Else: now.",
                },
                "identities": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": intake_body.MOST_IDENTITIES,
                    "items": {"$ref": "#/components/schemas/Identity"},
                },
                "purposes": {
                    "type": "array",
                    "maxItems": intake_body.MOST_PURPOSES,
                    "items": {"type": "string", "minLength": 1, "maxLength": intake_body.LONGEST_PURPOSE},
                    "description": "Of an opt-out under the GDPR, and of nothing else: what consent is taken back for.",
                },
                "corrections": {
                    "type": "array",
                    "maxItems": intake_body.MOST_IDENTITIES,
                    "items": {"$ref": "#/components/schemas/Correction"},
                    "description": "Of a correction, and of nothing else.",
                },
                "language": {
                    "type": "string",
                    "pattern": intake_body.LANGUAGE,
                    "description": "Which language the person reads.",
                },
                "external_reference": {
                    "type": "string",
                    "pattern": intake_body.EXTERNAL_REFERENCE,
                    "description": "What you call the request. Shown to agents, kept encrypted, sent to nobody.",
                },
            },
            required=intake_body.REQUIRED,
        ),
        "Identity": _object({"type": _IDENTITY_TYPE, "value": _VALUE}),
        "Correction": _object({"type": _IDENTITY_TYPE, "value": _VALUE, "new_value": _VALUE}),
        "OpenedCase": _object(told),
        "Case": _object({**told, "outcome": outcome}),
        "Problem": {
            "type": "object",
            "description": "RFC 9457. No sentence repeats what was sent.",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "enum": [problems.NAMES + each.name for each in problems.ALL]},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "errors": {
                    "type": "array",
                    "items": _object(
                        {
                            "pointer": {
                                "type": "string",
                                "description": "RFC 6901; empty for the body as a whole.",
                            },
                            "detail": {"type": "string"},
                        }
                    ),
                },
            },
        },
    }


def _object(properties: Schema, *, required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required or properties),
        "properties": properties,
    }
