"""One sandbox for all tests of a module, emptied before each; time stands still in it."""

from collections.abc import Iterator

import pytest

from integrations.models import Processor
from tests.builders import processor
from tests.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """Silent: the tests that want callbacks say so."""
    running.reset()
    running.switches(callbacks=False)
    return running


@pytest.fixture
def target(transactional_db: None, sandbox: Sandbox) -> Processor:
    """The sandbox's first workspace as a processor."""
    return processor(sandbox)
