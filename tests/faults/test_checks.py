"""The fault run would notice: breaches it looks for are planted here one by one, and each is told in a sentence."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from cases.models import AttentionKind, AuditEvent, ProcessorRequest, ResultPackage
from cases.services import attention, progress
from cases.services.dispatch import dispatch
from cases.services.reports import reconciling
from cases.services.results import fetching as result_fetching
from dsrportal.sentence import Sentence
from integrations.models import Processor
from tests import builders
from tests.faults.checks import Findings
from tests.sandbox import Sandbox, running_sandbox

THREE_WEEKS = 21 * 24 * 3600


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    running.switches(callbacks=False, result_seconds=10 * THREE_WEEKS)
    return running


@pytest.fixture
def target(transactional_db: None, sandbox: Sandbox, settings: Any, tmp_path: Path) -> Processor:
    """A processor with one erasure and one access request, both answered in full."""
    packages = {**settings.STORAGES["packages"], "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "packages": packages}
    target = builders.processor(sandbox)
    for type in ("erasure", "access"):
        builders.approved_case(type=type, identities=[("email", f"{type}@example.org")])
    dispatch.drain(target.pk)
    sandbox.advance(THREE_WEEKS)
    requests = list(ProcessorRequest.objects.select_related("case").order_by("case"))
    for request in requests:
        reconciling.refresh(request.pk)
    result_fetching.fetch(requests[1].pk)
    return target


def wrong(sandbox: Sandbox) -> list[str]:
    findings = Findings(sandbox, expected=2)
    findings.look({})
    return findings.wrong


def test_where_all_is_well_nothing_is_found(target: Processor, sandbox: Sandbox) -> None:
    assert wrong(sandbox) == []


def _lost(sandbox: Sandbox) -> None:
    builders.approved_case(identities=[("email", "lost@example.org")])


def _doubled(sandbox: Sandbox) -> None:
    row = sandbox.state()["requests"][0]
    body = {
        "regulation": "gdpr",
        "subject_request_id": str(uuid4()),
        "subject_request_type": row["type"],
        "submitted_time": row["submitted_time"],
        "subject_identities": {
            name: {"value": value, "encoding": "raw"} for name, value in row["identities"].items()
        },
        "api_version": "3.0",
    }
    assert sandbox.call("POST", "/v3/requests", body)[0] == 201


def _leased(sandbox: Sandbox) -> None:
    ProcessorRequest.objects.update(lease_until=timezone.now() + timedelta(seconds=40), lease_token=uuid4())


def _set_back(sandbox: Sandbox) -> None:
    ProcessorRequest.objects.filter(case__type="access").update(answer="", status="in_progress")


def _wrong_result(sandbox: Sandbox) -> None:
    ResultPackage.objects.update(sha256="0" * 64)


def _attention(sandbox: Sandbox) -> None:
    with progress.locked(ProcessorRequest.objects.values_list("case", flat=True)[0]) as case:
        attention.open_item(
            AttentionKind.RETRIES_EXHAUSTED,
            Sentence("No answer yet."),
            actor=builders.actor("agnes"),
            case=case,
        )


BREACHES: list[tuple[Callable[[Sandbox], None], str]] = [
    (_lost, "Never arrived at the sandbox"),
    (_doubled, "asked for under two ids"),
    (_doubled, "under an id that is not ours"),
    (_leased, "Still leased"),
    (_set_back, "Status here and at the sandbox differ"),
    (_set_back, "it is in_progress"),
    (_wrong_result, "is not what was recorded"),
    (_attention, "Attention is still open"),
]


@pytest.mark.parametrize(("breach", "sentence"), BREACHES)
def test_a_breach_is_found(
    target: Processor, sandbox: Sandbox, breach: Callable[[Sandbox], None], sentence: str
) -> None:
    breach(sandbox)
    assert any(sentence in found for found in wrong(sandbox)), wrong(sandbox)


def test_an_event_that_is_missing_is_found(
    target: Processor, sandbox: Sandbox, owner_connection: Any
) -> None:
    lost = AuditEvent.objects.filter(action="request.status_changed").order_by("pk")[1]
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute("DELETE FROM cases_auditevent WHERE id = %s", [lost.pk])
    found = wrong(sandbox)
    assert any("does not verify" in sentence for sentence in found)
    assert any("has a gap" in sentence or "ends with" in sentence for sentence in found)
