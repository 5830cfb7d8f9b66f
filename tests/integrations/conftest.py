from collections.abc import Iterator

import pytest

from integrations import budget
from integrations.models import Processor
from tests.integrations.odd_server import OddServer, odd_server


@pytest.fixture(scope="module")
def odd_process() -> Iterator[OddServer]:
    with odd_server() as server:
        yield server


@pytest.fixture
def odd(odd_process: OddServer) -> OddServer:
    """A server that says what it is told to."""
    odd_process.replies.clear()
    odd_process.requests.clear()
    return odd_process


@pytest.fixture
def odd_processor(db: None, odd: OddServer) -> Processor:
    """The odd server as a processor; a new one each time, so with fresh connections and a fresh budget."""
    made = Processor.objects.create(
        kind="mparticle",
        name="Odd",
        account="4302",
        credentials={"workspace_key": "the-key", "workspace_secret": "the-secret"},
        base_url=f"{odd.url}/v3",
        extra_tls_roots=odd.authority.root_pem,
        extra_signing_roots=odd.authority.root_pem,
        limits="100000 calls in 60 s",
    )
    budget.rebuild(made, [])  # it never sent anything
    return made
