import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from integrations import budget
from integrations.models import Processor
from integrations.mparticle import tokens
from integrations.mparticle.connector import MParticle
from integrations.opendsr import signing_keys
from integrations.types import Identity, Submission
from tests.integrations.odd_server import OddServer, answer
from tests.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    sandbox_process.reset()
    signing_keys.forget()
    return sandbox_process


@pytest.fixture
def processor(db: None, sandbox: Sandbox) -> Processor:
    workspace = sandbox.workspaces[0]
    made = Processor.objects.create(
        kind="mparticle",
        name="Shop",
        account=workspace["id"],
        credentials={"workspace_key": workspace["key"], "workspace_secret": workspace["secret"]},
        base_url=f"{sandbox.url}/v3",
        extra_tls_roots=sandbox.root_pem,
        extra_signing_roots=sandbox.root_pem,
        limits="100000 calls in 60 s",
    )
    budget.rebuild(made, [])  # it never sent anything
    return made


@pytest.fixture
def mparticle(processor: Processor) -> MParticle:
    return MParticle(processor)


@pytest.fixture
def whole(processor: Processor, sandbox: Sandbox) -> Iterator[MParticle]:
    """The workspace with every credential; only people put there exist."""
    sandbox.switches(strangers="unknown")
    tokens.forget()
    workspace = sandbox.workspaces[0]
    processor.credentials |= {
        "input_key": workspace["input_key"],
        "input_secret": workspace["input_secret"],
        "oauth_client_id": sandbox.oauth["client_id"],
        "oauth_client_secret": sandbox.oauth["client_secret"],
    }
    processor.options = {
        "identity_url": f"{sandbox.url}/identity/v1",
        "events_url": f"{sandbox.url}/s2s/v2",
        "platform_url": f"{sandbox.url}/platform/v1",
        "sso_url": f"{sandbox.url}/sso",
        "oauth_account": sandbox.oauth["account_id"],
    }
    yield MParticle(processor)
    tokens.forget()


def request(**changes: Any) -> Submission:
    made = Submission(
        request_id=uuid4(),
        request_type="erasure",
        regulation="gdpr",
        submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        identities=(Identity("email", f"{uuid4()}@example.com"),),
        skip_waiting_period=False,
        group_id="case-7",
        callback_url="",
    )
    return replace(made, **changes)


@pytest.fixture
def odd_mparticle(odd: OddServer, odd_processor: Processor) -> Iterator[MParticle]:
    """The odd server in the place of each of the APIs, with credentials for all of them."""
    tokens.forget()
    odd_processor.credentials |= {
        "input_key": "the-input-key",
        "input_secret": "the-input-secret",
        "oauth_client_id": "the-client",
        "oauth_client_secret": "the-client-secret",
    }
    odd_processor.options = {
        "identity_url": f"{odd.url}/identity/v1",
        "events_url": f"{odd.url}/s2s/v2",
        "platform_url": f"{odd.url}/platform/v1",
        "sso_url": f"{odd.url}/sso",
        "oauth_account": "17",
    }
    yield MParticle(odd_processor)
    tokens.forget()


def says(odd: OddServer, status: int, document: object = None) -> None:
    odd.replies.append(answer(status, b"" if document is None else json.dumps(document).encode()))


def asked(odd: OddServer) -> list[str]:
    """Method and path of what came, in order."""
    return [b" ".join(request.split(b" ", 2)[:2]).decode() for request in odd.requests]


def found(mpid: str, *matched: str) -> dict[str, Any]:
    """How IDSync answers a search that leads somewhere; `matched` in its own names."""
    return {
        "context": None,
        "mpid": mpid,
        "matched_identities": dict.fromkeys(matched, "x"),
        "is_ephemeral": False,
        "is_logged_in": True,
    }


NOT_FOUND = {"Errors": [{"code": "NOT_FOUND_ERROR", "message": "No user with ada@example.com"}]}
