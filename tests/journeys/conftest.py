"""The portal with its people, and a sandbox beside it."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group

from tests.builders import person
from tests.live import LivePortal, live_portal
from tests.sandbox import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """One for all journeys of a module, which begins each with nobody in it."""
    running.reset()
    return running


@pytest.fixture(scope="module")
def served(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    with live_portal(tmp_path_factory.mktemp("portal") / "logs") as portal:
        yield portal


@pytest.fixture
def portal(transactional_db: None, sandbox: Sandbox, served: LivePortal) -> LivePortal:
    """With an agent and an approver; what processors there are is each journey's own."""
    for name, role in (("agnes", "agent"), ("pia", "approver")):
        person(name).groups.add(Group.objects.get(name=role))
    return served
