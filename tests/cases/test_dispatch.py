"""A queued request on its way: sent, answered, and what becomes of every kind of fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cases.lifecycle import CaseStatus, RequestStatus
from cases.models import AuditEvent, ProcessorRequest
from cases.services import audit, dispatch
from tests.builders import approved_case, processor
from tests.sandbox import Sandbox, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(sandbox: Sandbox) -> None:
    sandbox.reset()
    sandbox.switches(callbacks=False)


def test_a_queued_request_is_sent_once_and_becomes_pending(sandbox: Sandbox, tmp_path: Path) -> None:
    target = processor(sandbox)
    case = approved_case()
    dispatch.drain(target.pk)
    request = ProcessorRequest.objects.get(case=case)
    assert request.status == RequestStatus.PENDING
    state = sandbox.state()
    assert list(state["requests"]) or state
    case.refresh_from_db()
    assert case.status == CaseStatus.WORKING
    assert audit.verify(f"case:{case.pk}") == []
    print([event.sentence for event in AuditEvent.objects.filter(case=case)])
