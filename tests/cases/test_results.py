"""Access and portability results: fetched whole at completion, kept encrypted, proven by hash."""

import hashlib
import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import AttentionItem, AuditEvent, Case, PackageState, ProcessorRequest, ResultPackage
from cases.services import closing, dispatch, failures, purge, reconciling, results
from cases.services.refusal import Refused
from dsrportal.crypto import Tampered
from integrations.models import Processor
from tests.builders import actor, approved_case
from tests.sandbox import Sandbox

THREE_DAYS = 3 * 24 * 3600


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    """Tests that run side by side would see each other's files."""
    packages = {
        **settings.STORAGES["packages"],
        "OPTIONS": {"location": tmp_path, "file_permissions_mode": 0o600},
    }
    settings.STORAGES = {**settings.STORAGES, "packages": packages}


def completed(target: Processor, sandbox: Sandbox, *, type: str = "access") -> Case:
    """A case whose request the processor has completed, as a report says."""
    case = approved_case(type=type, identities=[("email", "grace.hopper@example.org")])
    dispatch.drain(target.pk)
    sandbox.advance(THREE_DAYS)
    reconciling.reconcile(target, list(ProcessorRequest.objects.filter(case=case)))
    case.refresh_from_db()
    return case


def fetch(case: Case) -> ProcessorRequest:
    request = ProcessorRequest.objects.get(case=case)
    results.fetch(request.pk)
    request.refresh_from_db()
    case.refresh_from_db()
    return request


@pytest.mark.parametrize("type", ["access", "portability"])
def test_the_package_is_fetched_and_opens_to_the_same_bytes(
    target: Processor, sandbox: Sandbox, type: str
) -> None:
    case = completed(target, sandbox, type=type)
    assert case.status == CaseStatus.WORKING  # the result is part of the answer
    request = fetch(case)
    package = request.result_package
    assert (request.answer, case.status) == (Answer.DONE, CaseStatus.REVIEW)
    clear = b"".join(results.download(package, actor=actor("agnes")))
    assert hashlib.sha256(clear).hexdigest() == package.sha256
    assert len(clear) == package.size_bytes
    assert zipfile.ZipFile(io.BytesIO(clear)).testzip() is None
    assert AuditEvent.objects.filter(action="result.downloaded", actor_label="agnes").count() == 1
    assert closing.proposed_outcome(case) == "fulfilled"


def test_no_clear_byte_lies_on_a_disk(target: Processor, sandbox: Sandbox) -> None:
    package = fetch(completed(target, sandbox)).result_package
    stored = Path(storages["packages"].path(package.stored_name))
    sealed = stored.read_bytes()
    assert b"PK\x03\x04" not in sealed
    assert b"jsonl" not in sealed
    assert stored.stat().st_mode & 0o077 == 0


def test_a_changed_cut_or_exchanged_file_is_refused(target: Processor, sandbox: Sandbox) -> None:
    package = fetch(completed(target, sandbox)).result_package
    stored = Path(storages["packages"].path(package.stored_name))
    sealed = stored.read_bytes()
    for wrong in (sealed[:-1], sealed[:-20] + bytes([sealed[-20] ^ 1]) + sealed[-19:], b""):
        stored.write_bytes(wrong)
        with pytest.raises(Tampered):
            list(results.download(package, actor=actor("agnes")))


def test_nobody_matched_is_the_answer_no_data_held(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(result="nobody")
    case = completed(target, sandbox)
    request = fetch(case)
    assert request.answer == Answer.NO_DATA_HELD
    assert request.result_package.state == PackageState.NO_DATA
    assert case.status == CaseStatus.REVIEW
    assert closing.proposed_outcome(case) == "no_data_held"


def test_a_result_that_is_gone_is_shown_to_a_human(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(result="gone")
    case = completed(target, sandbox)
    request = fetch(case)
    assert request.result_package.state == PackageState.MISSED
    assert case.status == CaseStatus.ATTENTION
    assert "gone before" in AttentionItem.objects.get().sentence


def test_a_result_over_the_limit_is_not_kept(target: Processor, sandbox: Sandbox, settings: Any) -> None:
    settings.RESULT_LIMIT_BYTES = 100
    case = completed(target, sandbox)
    request = fetch(case)
    assert request.result_package.state == PackageState.TOO_LARGE
    assert case.status == CaseStatus.ATTENTION


def test_faults_on_the_way_are_tried_again(target: Processor, sandbox: Sandbox) -> None:
    case = completed(target, sandbox)
    for fault in ("reset_before", "status_500", "truncated"):
        sandbox.faults([{"method": "GET", "path": "/v3/requests/*", "fault": fault}])
        request = fetch(case)
        assert request.status == RequestStatus.COMPLETED
        assert not ResultPackage.objects.exists()
        assert not storages["packages"].listdir("")[1]
        assert request.pk not in set(results.waiting().values_list("pk", flat=True))
        ProcessorRequest.objects.update(next_attempt_at=None)
    assert fetch(case).answer == Answer.DONE


def test_a_result_that_failed_often_and_came_in_the_end_leaves_nothing_open(
    target: Processor, sandbox: Sandbox
) -> None:
    case = completed(target, sandbox)
    attempts = failures.ATTEMPTS_BEFORE_ATTENTION - 1
    ProcessorRequest.objects.update(attempts=attempts, answered_attempts=attempts)
    sandbox.faults([{"method": "GET", "path": "/v3/requests/*", "fault": "status_500"}])
    fetch(case)
    assert case.status == CaseStatus.ATTENTION
    ProcessorRequest.objects.update(next_attempt_at=None)
    fetch(case)
    assert case.status == CaseStatus.REVIEW
    assert AttentionItem.objects.get().resolution == "answered"


def test_an_expired_package_is_deleted_and_its_hash_stays(target: Processor, sandbox: Sandbox) -> None:
    package = fetch(completed(target, sandbox)).result_package
    assert purge.expired_packages() == 0
    ResultPackage.objects.update(expires_at=timezone.now())
    assert purge.expired_packages() == 1
    assert not storages["packages"].exists(package.stored_name)
    package.refresh_from_db()
    assert (package.state, len(package.sha256)) == (PackageState.EXPIRED, 64)
    with pytest.raises(Refused):
        results.download(package, actor=actor("agnes"))
    assert AuditEvent.objects.filter(action="result.expired").count() == 1


def test_what_a_killed_download_left_behind_is_deleted_a_day_later(
    target: Processor, sandbox: Sandbox
) -> None:
    kept = fetch(completed(target, sandbox)).result_package.stored_name
    storage = storages["packages"]
    left, coming = (storage.save(f"{uuid4()}.sealed", ContentFile(b"half")) for _ in range(2))
    two_days_ago = time.time() - 2 * 24 * 3600
    for name in (kept, left):
        os.utime(storage.path(name), (two_days_ago, two_days_ago))
    assert purge.unknown_files() == 1
    assert set(storage.listdir("")[1]) == {kept, coming}


def test_fetching_twice_keeps_one_package(target: Processor, sandbox: Sandbox) -> None:
    case = completed(target, sandbox)
    fetch(case)
    fetch(case)
    assert ResultPackage.objects.count() == 1
    assert AuditEvent.objects.filter(action="result.fetched").count() == 1
