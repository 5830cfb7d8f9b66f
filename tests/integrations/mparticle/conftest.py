from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from integrations import budget
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.opendsr import signing_keys
from integrations.types import Identity, OutgoingRequest
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


def request(**changes: Any) -> OutgoingRequest:
    made = OutgoingRequest(
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
