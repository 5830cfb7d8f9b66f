from collections.abc import Iterator

import pytest

from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.opendsr import signing_keys
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
    return Processor.objects.create(
        kind="mparticle",
        name="Shop",
        account=workspace["id"],
        credentials={"workspace_key": workspace["key"], "workspace_secret": workspace["secret"]},
        base_url=f"{sandbox.url}/v3",
        extra_tls_roots=sandbox.root_pem,
        extra_signing_roots=sandbox.root_pem,
        calls_per_minute=100_000,
    )


@pytest.fixture
def mparticle(processor: Processor) -> MParticle:
    return MParticle(processor)
