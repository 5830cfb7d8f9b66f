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
from django.core.files.storage import FileSystemStorage, storages
from django.utils import timezone

from cases.lifecycle import Answer, CaseStatus, RequestStatus
from cases.models import (
    AttentionItem,
    AuditEvent,
    PackageState,
    ProcessorRequest,
    ResultPackage,
)
from cases.services.closing import closing
from cases.services.files import storage as file_storage
from cases.services.refusal import Refused
from cases.services.reports import failures
from cases.services.results import fetching as result_fetching
from cases.services.results import packages
from cases.services.results import streaming as result_streaming
from cases.services.upkeep import retention
from dsrportal.crypto import Tampered
from integrations.connector import Capability
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from tests.builders import actor
from tests.cases.fetching import completed, fetch, own_storage
from tests.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    own_storage(settings, tmp_path)


@pytest.mark.parametrize("type", ["access", "portability"])
def test_the_package_is_fetched_and_opens_to_the_same_bytes(
    target: Processor, sandbox: Sandbox, type: str
) -> None:
    case = completed(target, sandbox, type=type)
    assert case.status == CaseStatus.WORKING  # the result is part of the answer
    request = fetch(case)
    package = request.result_package
    assert (request.answer, case.status) == (Answer.DONE, CaseStatus.REVIEW)
    clear = b"".join(packages.download(package, actor=actor("agnes")))
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
            list(packages.download(package, actor=actor("agnes")))


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
    assert "was no longer available" in AttentionItem.objects.get().sentence.english


def test_a_result_far_over_the_limit_is_not_kept(target: Processor, sandbox: Sandbox, settings: Any) -> None:
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
        assert request.pk not in set(result_fetching.waiting().values_list("pk", flat=True))
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
    assert retention.expired_packages() == 0
    ResultPackage.objects.update(expires_at=timezone.now())
    assert retention.expired_packages() == 1
    assert not storages["packages"].exists(package.stored_name)
    package.refresh_from_db()
    assert (package.state, len(package.sha256)) == (PackageState.EXPIRED, 64)
    with pytest.raises(Refused):
        packages.download(package, actor=actor("agnes"))
    assert AuditEvent.objects.filter(action="result.expired").count() == 1


def test_a_package_that_is_dropped_while_others_are_purged_is_no_error(
    target: Processor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for email in ("ada@example.org", "eve@example.org"):
        fetch(completed(target, sandbox, email=email))
    ResultPackage.objects.update(expires_at=timezone.now())
    kept = ResultPackage.objects.order_by("pk").first()
    assert kept is not None
    monkeypatch.setattr(
        file_storage, "delete", lambda _name: ResultPackage.objects.exclude(pk=kept.pk).delete()
    )
    assert retention.expired_packages() == 1


def test_what_a_killed_download_left_behind_is_deleted_a_day_later(
    target: Processor, sandbox: Sandbox
) -> None:
    kept = fetch(completed(target, sandbox)).result_package.stored_name
    storage = storages["packages"]
    left, coming = (storage.save(f"{uuid4()}.sealed", ContentFile(b"half")) for _ in range(2))
    two_days_ago = time.time() - 2 * 24 * 3600
    for name in (kept, left):
        os.utime(storage.path(name), (two_days_ago, two_days_ago))
    assert retention.unknown_files() == 1
    assert set(storage.listdir("")[1]) == {kept, coming}


def test_fetching_twice_keeps_one_package(target: Processor, sandbox: Sandbox) -> None:
    case = completed(target, sandbox)
    fetch(case)
    fetch(case)
    assert ResultPackage.objects.count() == 1
    assert AuditEvent.objects.filter(action="result.fetched").count() == 1


def test_what_cannot_be_read_back_is_fetched_again(
    target: Processor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a storage that loses what it was given."""
    case = completed(target, sandbox)
    save = FileSystemStorage.save

    def losing(self: FileSystemStorage, name: str, content: Any) -> str:
        stored = save(self, name, content)
        Path(self.path(stored)).write_bytes(b"")
        return stored

    monkeypatch.setattr(FileSystemStorage, "save", losing)
    request = fetch(case)
    assert (request.answer, request.last_error) == ("", "unexpected_answer")
    assert not ResultPackage.objects.exists()
    assert not storages["packages"].listdir("")[1]


def test_who_works_long_keeps_the_lease_and_who_lost_it_leaves_nothing(
    target: Processor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.services.results.streaming.RENEW_SECONDS", -1)
    renewed: list[bool] = []
    look = result_streaming._look_into

    def slow(*arguments: Any) -> Any:
        ProcessorRequest.objects.update(lease_until=timezone.now())
        summary = look(*arguments)
        renewed.append(ProcessorRequest.objects.filter(lease_until__gt=timezone.now()).exists())
        return summary

    monkeypatch.setattr("cases.services.results.streaming._look_into", slow)
    case = completed(target, sandbox)
    assert fetch(case).answer == Answer.DONE
    assert renewed == [True]

    def robbed(*arguments: Any) -> Any:
        ProcessorRequest.objects.filter(lease_token__isnull=False).update(lease_token=uuid4())
        return look(*arguments)

    monkeypatch.setattr("cases.services.results.streaming._look_into", robbed)
    other = completed(target, sandbox, email="ada@example.org")
    fetch(other)
    assert ResultPackage.objects.count() == 1
    assert len(storages["packages"].listdir("")[1]) == 1


# --- what a result amounts to


def test_known_and_nothing_held_is_an_answer_with_a_remark(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(result="empty")
    case = completed(target, sandbox)
    request = fetch(case)
    assert (request.answer, request.result_package.state) == (Answer.NO_DATA_HELD, PackageState.FETCHED)
    assert request.remark == result_fetching.NOTHING_HELD.english
    assert closing.proposed_outcome(case) == "no_data_held"


def test_that_there_is_no_profile_is_said(target: Processor, sandbox: Sandbox) -> None:
    sandbox.switches(result="no_profile")
    request = fetch(completed(target, sandbox))
    assert (request.answer, request.remark) == (Answer.DONE, result_fetching.NO_PROFILE.english)


def test_a_result_with_a_profile_needs_no_remark(target: Processor, sandbox: Sandbox) -> None:
    assert fetch(completed(target, sandbox)).remark == ""


def test_what_was_found_in_a_package_goes_with_it(target: Processor, sandbox: Sandbox) -> None:
    package = fetch(completed(target, sandbox)).result_package
    assert package.summary is not None
    ResultPackage.objects.update(expires_at=timezone.now())
    retention.expired_packages()
    package.refresh_from_db()
    assert package.summary is None


# --- kinds that name no address


def test_a_kind_that_does_not_call_back_is_fetched_without_an_address(
    target: Processor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes its result anew for whoever asks: there is nothing to learn from another report."""
    case = completed(target, sandbox)
    address = ProcessorRequest.objects.get(case=case).results_url
    ProcessorRequest.objects.update(results_url="")
    fetch_result = MParticle.fetch_result
    monkeypatch.setattr(MParticle, "capabilities", MParticle.capabilities - {Capability.CALLBACKS})
    monkeypatch.setattr(
        MParticle,
        "fetch_result",
        lambda self, inquiry, _url, **more: fetch_result(self, inquiry, address, **more),
    )
    monkeypatch.setattr(MParticle, "report", lambda *_: pytest.fail("requested the address"))
    assert fetch(case).answer == Answer.DONE
