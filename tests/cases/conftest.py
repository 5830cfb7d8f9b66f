"""One sandbox for all tests of a module, emptied before each; time stands still in it. And a gate for callbacks."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from integrations.models import Processor
from tests.builders import processor
from tests.cases.vendor import Gate, open_gate
from tests.mailbox import Mailbox, running_mailbox, settings_for
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


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    """A mail server, and settings by which the portal's mail goes there."""
    with running_mailbox() as running:
        for name, value in settings_for(running).items():
            setattr(settings, name, value)
        yield running


@pytest.fixture(scope="module")
def gate(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gate]:
    """A live portal and a vendor that calls back; what a test leaves in the database stays for the module."""
    with open_gate(django_db_blocker, tmp_path_factory.mktemp("portal")) as opened:
        yield opened
