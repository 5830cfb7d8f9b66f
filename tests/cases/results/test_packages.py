"""What people do with a package: look, download, leave parts out; all of it in the trail, and no name in there."""

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, storages

from cases.models import AuditEvent, Note, PackageState, ResultPackage
from cases.services.refusal import Refused
from cases.services.results import packages
from dsrportal.crypto import KeyDestroyed, Tampered
from integrations.models import Processor
from integrations.types import PackageMember, PackageSummary
from tests.builders import actor
from tests.cases.fetching import completed, fetch, fetched, giving, own_storage
from tests.integrations.mparticle import zips
from tests.sandbox import Sandbox

GRACES = zips.zipped(
    (
        "profile.jsonl",
        zips.lines(
            {"user_identities": {"email": "grace.hopper@example.org"}, "user_attributes": {"plan": "premium"}}
        ),
    ),
    ("events.jsonl", zips.lines(zips.batch(user_identities={}))),
    ("letter.txt", b"Dear Charles"),
)


@pytest.fixture(autouse=True)
def _own_storage(settings: Any, tmp_path: Path) -> None:
    own_storage(settings, tmp_path)


@pytest.fixture
def package(target: Processor, sandbox: Sandbox) -> ResultPackage:
    return fetched(target, sandbox, GRACES).result_package


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


def redacted(package: ResultPackage, **changes: Any) -> bytes:
    said: dict[str, Any] = {
        "members": ["letter.txt"],
        "fields": ["user_attributes.plan", "events.data.custom_attributes.friend"],
        "reason": "rights_of_others",
        "text": "Charles asked us not to.",
        **changes,
    }
    return b"".join(packages.redacted(package, actor=actor("agnes"), **said))


def test_looking_tells_what_was_found_when_it_came(package: ResultPackage) -> None:
    summary = packages.view_summary(package, actor=actor("agnes"))
    assert isinstance(summary, PackageSummary)
    assert ("user_attributes.plan", "premium") in summary.fields
    assert ("screen_view", "2025-12", 1) in summary.events
    letter = summary.members[-1]
    assert letter == PackageMember("letter.txt", 12, hashlib.sha256(b"Dear Charles").hexdigest())
    (event,) = events("result.viewed")
    assert (event.actor_label, event.details["package"]) == ("agnes", str(package.pk))


def test_what_was_found_lies_encrypted_under_the_cases_key(
    package: ResultPackage, owner_connection: Any
) -> None:
    row = owner_connection.execute("SELECT t::text FROM cases_resultpackage t").fetchone()[0]
    for name in ("premium", "grace", "letter"):
        assert name not in row
        assert name.encode().hex() not in row
    package.processor_request.case.data_key.destroy()
    again = ResultPackage.objects.get()
    for attempt in (packages.view_summary, packages.download):
        with pytest.raises(KeyDestroyed):
            attempt(again, actor=actor("agnes"))
    assert not AuditEvent.objects.filter(action__in=["result.viewed", "result.downloaded"])


def test_a_package_that_nobody_looked_into_can_only_be_downloaded(package: ResultPackage) -> None:
    """As one that a person uploaded, or that came before packages were looked into."""
    package.summary = None
    package.save()
    with pytest.raises(Refused, match="The portal cannot show the contents of this type of package"):
        packages.view_summary(package, actor=actor("agnes"))
    with pytest.raises(Refused, match="The package no longer matches what was shown"):
        redacted(package)
    assert b"".join(packages.download(package, actor=actor("agnes"))) == GRACES
    assert not events("result.viewed")


def test_a_redacted_copy_lacks_what_was_left_out_and_the_package_stays(package: ResultPackage) -> None:
    copy = redacted(package)
    assert zips.members(copy) == ["profile.jsonl", "events.jsonl"]
    everything = copy + b"".join(zips.member(copy, name) for name in zips.members(copy))
    assert b"Charles" not in everything
    assert b"premium" not in zips.member(copy, "profile.jsonl")
    assert b"grace.hopper@example.org" in everything
    assert b"".join(packages.download(package, actor=actor("agnes"))) == GRACES


def test_what_was_left_out_is_in_a_note_and_the_trail_says_how_much(package: ResultPackage) -> None:
    redacted(package)
    (event,) = events("result.redacted")
    assert (event.reason, event.details["left_out"]) == ("rights_of_others", 3)
    assert "Downloaded the result package with 3 parts removed" in event.sentence
    note = Note.objects.get(pk=event.details["note"])
    for words in ("letter.txt", "user_attributes.plan", "GDPR Art. 15(4)", "Charles asked us not to."):
        assert words in note.text
    everything = "".join(each.canonical for each in AuditEvent.objects.all())
    for words in ("letter", "user_attributes", "Charles", "grace", "premium"):
        assert words not in everything


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reason": "because"}, "one of the listed reasons"),
        ({"reason": ""}, "one of the listed reasons"),
        ({"members": [], "fields": []}, "Select what to remove, or download the whole package."),
        ({"members": ["other.txt"]}, "The package no longer matches what was shown."),
        ({"fields": ["user_attributes.height"]}, "The package no longer matches what was shown."),
        (
            {"members": ["profile.jsonl", "events.jsonl", "letter.txt"]},
            "Nothing would remain in the package.",
        ),
    ],
)
def test_what_is_refused(package: ResultPackage, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        redacted(package, **changes)
    assert not events("result.redacted")
    assert not Note.objects.exists()


def test_a_package_that_was_changed_is_not_given_out(package: ResultPackage) -> None:
    path = Path(storages["packages"].path(package.stored_name))
    sealed = path.read_bytes()
    path.write_bytes(sealed[:-1])
    with pytest.raises(Tampered):
        redacted(package)
    assert not events("result.redacted")


@pytest.mark.parametrize("state", [PackageState.MISSED, PackageState.EXPIRED, PackageState.NO_DATA])
def test_without_a_file_there_is_nothing_to_open(package: ResultPackage, state: str) -> None:
    ResultPackage.objects.update(state=state)
    package.refresh_from_db()
    attempts: list[Callable[[], Any]] = [
        lambda: packages.view_summary(package, actor=actor("agnes")),
        lambda: packages.download(package, actor=actor("agnes")),
        lambda: redacted(package),
    ]
    for attempt in attempts:
        with pytest.raises(Refused, match="no package to open"):
            attempt()


@pytest.mark.parametrize("doubt", [*packages.DOUBTS, "of another kind"])
def test_each_doubt_is_said_in_words_that_fit_a_question(doubt: str) -> None:
    sentence = packages.why_sealed(doubt, name="mParticle, the workspace of the shop in Europe")
    assert "the shop in Europe" in sentence.english
    assert "{" not in sentence.english
    assert len(sentence.english) <= 300


class OneWay(FileSystemStorage):
    """As a store far away: it reads what it is given piece by piece, and gives back a file that cannot be sought in."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        def pieces() -> Iterator[bytes]:
            while piece := content.read(1000):
                yield piece

        return super().save(name, _Pieces(pieces()), max_length)

    def open(self, name: str, mode: str = "rb") -> File:
        file: Any = _OneWayFile(super().open(name, mode))
        return File(file, name)


class _Pieces(File):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(None)
        self._pieces = pieces

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._pieces


class _OneWayFile(io.RawIOBase):
    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> Any:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()
        super().close()


@pytest.mark.parametrize("kind", ["memory", "one way"])
def test_any_storage_will_do(
    target: Processor, sandbox: Sandbox, settings: Any, tmp_path: Path, kind: str
) -> None:
    if kind == "memory":
        own_storage(settings, None)
    else:
        far = {"BACKEND": "tests.cases.results.test_packages.OneWay", "OPTIONS": {"location": tmp_path}}
        settings.STORAGES = {**settings.STORAGES, "packages": far}
    case = completed(target, sandbox)
    with giving(target, case, GRACES):
        package = fetch(case).result_package
    assert packages.view_summary(package, actor=actor("agnes")).has_profile
    assert b"".join(packages.download(package, actor=actor("agnes"))) == GRACES
    assert "letter.txt" not in zips.members(redacted(package))
