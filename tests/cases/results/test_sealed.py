"""Results that nobody vouches for: kept sealed, opened for nobody, and fetched again on somebody's word."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from cases.lifecycle import Answer, CaseStatus
from cases.models import (
    AttentionItem,
    AuditEvent,
    PackageState,
    ProcessorRequest,
    ResultPackage,
    SubjectIdentity,
)
from cases.services.closing import closing
from cases.services.refusal import Refused
from cases.services.results import fetching as result_fetching
from cases.services.results import packages
from cases.services.upkeep import retention
from integrations.models import Processor
from tests.builders import actor
from tests.cases.fetching import completed, fetch, fetched, giving, own_storage
from tests.integrations.mparticle import zips
from tests.sandbox import Sandbox


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    own_storage(settings, tmp_path)


def sealed(
    target: Processor, sandbox: Sandbox, content: bytes, kind: str = "application/zip"
) -> ProcessorRequest:
    request = fetched(target, sandbox, content, kind)
    assert (request.result_package.state, request.answer) == (PackageState.SEALED, "")
    return request


BAD: list[tuple[str, bytes, str]] = [
    ("not_zip", b"All that we know of Grace.", "text/plain"),
    ("bomb", zips.bomb(100 * 1024 * 1024), "application/zip"),
    ("bad_names", zips.usual((zips.entry("../../x.jsonl"), b"{}")), "application/zip"),
    ("unreadable", zips.zipped(("a.jsonl", b"{}"), method=zipfile.ZIP_BZIP2), "application/zip"),
    ("foreign_identity", zips.usual(), "application/zip"),
]


@pytest.mark.parametrize(("doubt", "content", "kind"), BAD, ids=[doubt for doubt, _content, _kind in BAD])
def test_a_result_in_doubt_is_kept_sealed_and_a_human_is_asked(
    target: Processor, sandbox: Sandbox, doubt: str, content: bytes, kind: str
) -> None:
    request = sealed(target, sandbox, content, kind)
    package = request.result_package
    assert (package.doubt, package.summary) == (doubt, None)
    assert package.sha256 == hashlib.sha256(content).hexdigest()
    assert package.expires_at is not None
    assert request.case.status == CaseStatus.ATTENTION
    item = AttentionItem.objects.get()
    assert item.kind == "result_in_doubt"
    assert item.sentence == packages.why_sealed(doubt, name=target.name)
    event = AuditEvent.objects.get(action="result.sealed")
    assert (event.details["doubt"], event.details["sha256"]) == (doubt, package.sha256)
    # Nobody opens it, in whatever way.
    for attempt in (
        lambda: packages.download(package, actor=actor("agnes")),
        lambda: packages.view_summary(package, actor=actor("agnes")),
        lambda: packages.redacted(
            package, actor=actor("agnes"), members=["x"], fields=[], reason="not_this_person"
        ),
    ):
        with pytest.raises(Refused, match="This package stays sealed for everyone"):
            attempt()
    assert not AuditEvent.objects.filter(action__in=["result.downloaded", "result.viewed", "result.redacted"])


def test_the_trail_and_the_questions_name_no_identity(target: Processor, sandbox: Sandbox) -> None:
    sealed(target, sandbox, zips.usual())
    told = [event.canonical for event in AuditEvent.objects.all()]
    told += [item.sentence.english for item in AttentionItem.objects.all()]
    for secret in ("ada@example.org", "grace", "C-1", "38400000", "-351284567"):
        assert not [text for text in told if secret in text]


def test_a_result_over_the_limit_is_kept_sealed(target: Processor, sandbox: Sandbox, settings: Any) -> None:
    content = zips.zipped(("odd.bin", zips.noise(3000)))
    settings.RESULT_LIMIT_BYTES = 1000
    assert sealed(target, sandbox, content).result_package.doubt == "too_large"


def test_both_addresses_of_a_person_are_theirs(target: Processor, sandbox: Sandbox) -> None:
    """Each is asked for by a request of its own; the answer to one may name the other."""
    case = completed(target, sandbox)
    SubjectIdentity.of(case.subject, type="email", value="ada@example.org", position=9).save()
    with giving(target, case, zips.usual()):
        assert fetch(case).result_package.state == PackageState.FETCHED


def test_an_error_of_our_own_costs_nobody_their_result(
    target: Processor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("grace.hopper@example.org")

    monkeypatch.setattr("integrations.mparticle.packages.summarise", broken)
    assert sealed(target, sandbox, zips.usual()).result_package.doubt == "unreadable"


# --- fetched again


def test_what_was_sealed_is_dropped_and_fetched_again(target: Processor, sandbox: Sandbox) -> None:
    request = sealed(target, sandbox, zips.usual())
    name = request.result_package.stored_name
    result_fetching.refetch(request.result_package, actor=actor("agnes"))
    assert not storages["packages"].exists(name)
    assert not ResultPackage.objects.exists()
    event = AuditEvent.objects.get(action="result.dropped")
    assert (event.actor_label, event.details["state"]) == ("agnes", "sealed")
    assert AttentionItem.objects.get().resolution == "refetched"
    request.case.refresh_from_db()
    assert request.case.status == CaseStatus.WORKING
    assert request.pk in set(result_fetching.waiting().values_list("pk", flat=True))
    mine = zips.zipped(
        ("profile.jsonl", zips.lines({"user_identities": {"email": "Grace.Hopper@example.org"}}))
    )
    with giving(target, request.case, mine):
        again = fetch(request.case)
    assert (again.answer, again.result_package.state) == (Answer.DONE, PackageState.FETCHED)
    assert again.case.status == CaseStatus.REVIEW


@pytest.mark.parametrize(
    ("switch", "state"), [("gone", PackageState.MISSED), ("found", PackageState.TOO_LARGE)]
)
def test_what_could_not_be_kept_is_fetched_again(
    target: Processor, sandbox: Sandbox, settings: Any, switch: str, state: str
) -> None:
    limit, settings.RESULT_LIMIT_BYTES = settings.RESULT_LIMIT_BYTES, 100
    sandbox.switches(result=switch)
    case = completed(target, sandbox)
    request = fetch(case)
    assert request.result_package.state == state
    settings.RESULT_LIMIT_BYTES = limit
    sandbox.switches(result="found")
    result_fetching.refetch(request.result_package, actor=actor("agnes"))
    assert fetch(case).answer == Answer.DONE


def test_a_good_package_and_a_closed_case_are_left_alone(target: Processor, sandbox: Sandbox) -> None:
    request = fetch(completed(target, sandbox))
    with pytest.raises(Refused, match="Only a result that is sealed"):
        result_fetching.refetch(request.result_package, actor=actor("agnes"))
    closing.close(request.case, actor=actor("agnes"), outcome="fulfilled")
    with pytest.raises(Refused, match="Reopen it first"):
        result_fetching.refetch(request.result_package, actor=actor("agnes"))
    assert storages["packages"].exists(request.result_package.stored_name)


def test_a_sealed_package_expires_like_any_other(target: Processor, sandbox: Sandbox) -> None:
    package = sealed(target, sandbox, zips.usual()).result_package
    ResultPackage.objects.update(expires_at=timezone.now())
    assert retention.expired_packages() == 1
    assert not storages["packages"].exists(package.stored_name)
    package.refresh_from_db()
    assert (package.state, package.doubt) == (PackageState.EXPIRED, "")
