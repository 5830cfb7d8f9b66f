from collections.abc import Iterator

import pytest

from tests.sandbox import Sandbox, running_sandbox

from .receiver import Receiver, running_receiver


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """A sandbox that has seen nothing yet, its clock at nought and standing still."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running
