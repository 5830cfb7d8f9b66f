"""A form of our own: an intake source with its token, and what it says to the intake API."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from cases.models import IntakeSource
from cases.services.intake import sources as intake_sources
from cases.services.intake.sources import Terms
from integrations.types import Regulation, RequestType
from tests import builders

CASES = "/api/v1/cases"


@dataclass
class Form:
    source: IntakeSource
    token: str = field(repr=False)

    def open(self, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(erasure() if body is None else body).encode()
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": str(uuid.uuid4()) if key is None else key,
            "Content-Type": "application/json",
            **headers,
        }
        return Client(REMOTE_ADDR="192.0.2.9").post(
            CASES, raw, content_type=sent.pop("Content-Type"), headers=sent
        )

    def look(self, reference: str, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return Client(REMOTE_ADDR="192.0.2.9").get(f"{CASES}/{reference}", headers=sent)


def form(name: str = "Website", **more: Any) -> Form:
    terms = {
        "name": name,
        "types": RequestType.values,
        "regulations": Regulation.values,
        "per_minute": 100,
        **more,
    }
    source, token = intake_sources.create(Terms(**terms), actor=builders.actor("ivy"))
    return Form(source, token)


def erasure(**more: Any) -> dict[str, Any]:
    identities = [{"type": "email", "value": "Ada.Lovelace@Example.org"}]
    return {"type": "erasure", "regulation": "gdpr", "identities": identities, **more}
