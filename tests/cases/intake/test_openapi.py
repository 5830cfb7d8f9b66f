"""The OpenAPI document: valid, made of the code's own words, and true of the real address, example by example."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate

from cases.models import Case
from cases.services.intake import sources as intake_sources
from cases.views.openapi import REQUESTS
from integrations.types import IdentityType, Regulation, RequestType
from tests import builders
from tests.cases.intake_api import Form, erasure, form
from tests.live import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def document() -> dict[str, Any]:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def website() -> Form:
    builders.processor(
        credentials=dict.fromkeys(("workspace_key", "workspace_secret", "input_key", "input_secret"), "k")
    )
    return form()


def fits(document: dict[str, Any], schema: str, value: Any) -> None:
    """Raises where the value is not what the schema of this name says."""
    Draft202012Validator(
        {**document, "$ref": f"#/components/schemas/{schema}"},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    ).validate(value)


def refusals(
    document: dict[str, Any], status: int, *, path: str = "/api/v1/cases", verb: str = "post"
) -> Any:
    content = document["paths"][path][verb]["responses"][str(status)]["content"]["application/problem+json"]
    return {name: example["value"] for name, example in content["examples"].items()}


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_its_words_are_those_of_the_code(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["NewCase"]["properties"]["type"]["enum"] == RequestType.values
    assert schemas["NewCase"]["properties"]["regulation"]["enum"] == Regulation.values
    assert schemas["Identity"]["properties"]["type"]["enum"] == IdentityType.values


@pytest.mark.parametrize("name", REQUESTS)
def test_each_request_that_it_shows_opens_a_case(document: dict[str, Any], website: Form, name: str) -> None:
    body = document["paths"]["/api/v1/cases"]["post"]["requestBody"]["content"]["application/json"]
    shown = body["examples"][name]["value"]
    fits(document, "NewCase", shown)
    answer = website.open(shown)
    assert answer.status_code == 201, answer.content
    fits(document, "OpenedCase", answer.json())
    fits(document, "Case", website.look(answer.json()["reference"]).json())
    assert Case.objects.get().type == shown["type"]


def test_each_answer_that_it_shows_fits_its_schema(document: dict[str, Any]) -> None:
    shown = 0
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                for media in response["content"].values():
                    schema = media["schema"]["$ref"].rpartition("/")[2]
                    examples = [example["value"] for example in media.get("examples", {}).values()]
                    for example in [*examples, *([media["example"]] if "example" in media else [])]:
                        fits(document, schema, example)
                        shown += 1
    assert shown > 10


def test_each_refusal_that_it_shows_is_given(document: dict[str, Any], website: Form) -> None:
    website.open(key="k-1")
    barred = form("Barred", types=["access"])
    given = [
        (400, website.open(key="")),
        (400, website.open(b"{")),
        (401, website.open(Authorization="Bearer no")),
        (403, barred.open()),
        (413, website.open(b" " * 65_537)),
        (415, website.open(**{"Content-Type": "text/plain"})),
        (422, website.open(erasure(identities=[{"type": "mail", "value": "a"}]))),
        (422, website.open(erasure(language="de"), key="k-1")),
    ]
    slow = form("Slow", per_minute=1)
    slow.open()
    given.append((429, slow.open()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
        given.append((503, website.open()))
    told = set()
    for status, answer in given:
        assert answer.status_code == status
        assert answer.json() in refusals(document, status).values()
        fits(document, "Problem", answer.json())
        told.add(answer.json()["type"])
    shown = re.findall(r'"type": "(urn:[^"]+)"', json.dumps(document["paths"]["/api/v1/cases"]))
    assert told == set(shown)
    missing = website.look("DSR-2026-999999")
    of_a_case = {"path": "/api/v1/cases/{reference}", "verb": "get"}
    assert missing.json() in refusals(document, 404, **of_a_case).values()


@pytest.mark.parametrize(
    "body",
    [
        {"type": "erazure", "regulation": "gdpr", "identities": []},
        {**erasure(), "more": 1},
        erasure(language="?"),
        erasure(external_reference="ada@example.org"),
        erasure(received_at="2026-05-04T09:30:00"),
        erasure(purposes=[""]),
    ],
)
def test_what_its_schema_refuses_the_address_refuses_too(
    document: dict[str, Any], website: Form, body: Any
) -> None:
    schema = {**document, "$ref": "#/components/schemas/NewCase"}
    assert not Draft202012Validator(schema).is_valid(body)
    assert website.open(body).status_code == 422


def test_it_needs_no_token_and_names_no_source(document: dict[str, Any], website: Form) -> None:
    assert "Website" not in json.dumps(document)
    intake_sources.deactivate(website.source, actor=builders.actor("ivy"))
    assert Client().get("/api/v1/openapi.json").json() == document
