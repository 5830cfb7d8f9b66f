"""Results: downloaded with the credentials from below the API address, and from nowhere else."""

import io
import zipfile
from uuid import uuid4

import pytest

from integrations.errors import (
    Expired,
    IntegrationError,
    NothingFound,
    Rejected,
    TooLarge,
    Unauthorized,
    UnexpectedAnswer,
)
from integrations.models import Processor
from integrations.mparticle import archives
from integrations.mparticle.connector import MParticle
from integrations.types import ReportedStatus
from tests.builders import about
from tests.integrations.mparticle.conftest import request
from tests.sandbox import Sandbox

DAY = 24 * 3600


def finished_access(mparticle: MParticle, sandbox: Sandbox) -> str:
    sent = request(request_type="access")
    mparticle.submit(sent)
    sandbox.advance(8 * DAY)
    report = mparticle.report(about(sent.request_id))
    assert report.status == ReportedStatus.COMPLETED
    assert report.results_url
    return report.results_url


def download(mparticle: MParticle, url: str, limit_bytes: int = 10_000_000) -> bytes:
    with mparticle.fetch_result(about(uuid4()), url, limit_bytes=limit_bytes) as result:
        return b"".join(result.chunks)


def test_a_result_is_downloaded(mparticle: MParticle, sandbox: Sandbox) -> None:
    url = finished_access(mparticle, sandbox)
    with mparticle.fetch_result(about(uuid4()), url, limit_bytes=10_000_000) as result:
        assert result.content_type == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(b"".join(result.chunks)))
    assert "profile.jsonl" in archive.namelist()


@pytest.mark.parametrize(("switch", "kind"), [("nobody", NothingFound), ("gone", Expired)])
def test_a_result_that_is_not_there(
    mparticle: MParticle, sandbox: Sandbox, switch: str, kind: type[IntegrationError]
) -> None:
    url = finished_access(mparticle, sandbox)
    sandbox.switches(result=switch)
    with pytest.raises(kind):
        download(mparticle, url)


def test_a_result_is_gone_after_seven_days(mparticle: MParticle, sandbox: Sandbox) -> None:
    url = finished_access(mparticle, sandbox)
    sandbox.advance(8 * DAY)
    with pytest.raises(Expired):
        download(mparticle, url)


@pytest.mark.parametrize("fault", ["malformed", "truncated", "empty", "html"])
def test_what_is_not_the_whole_file_is_not_taken_for_the_result(
    mparticle: MParticle, sandbox: Sandbox, fault: str
) -> None:
    url = finished_access(mparticle, sandbox)
    sandbox.faults([{"method": "GET", "path": "/v3/requests/*", "fault": fault}])
    with pytest.raises(UnexpectedAnswer):
        download(mparticle, url)
    assert zipfile.is_zipfile(io.BytesIO(download(mparticle, url)))


def test_what_is_said_to_be_an_archive_is_one(mparticle: MParticle, sandbox: Sandbox) -> None:
    url = finished_access(mparticle, sandbox)
    sandbox.switches(result="not_zip")
    with pytest.raises(UnexpectedAnswer, match="The result is an incomplete archive"):
        download(mparticle, url)


def archive(comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("profile.jsonl", "{}")
        opened.comment = comment
    return buffer.getvalue()


@pytest.mark.parametrize("comment", [b"", b"PK\x05\x06", b"x" * 0xFFFF])
def test_an_archive_is_whole_in_whatever_pieces_it_comes(comment: bytes) -> None:
    full = archive(comment)
    for size in (1, 7, len(full)):
        pieces = [full[at : at + size] for at in range(0, len(full), size)]
        assert b"".join(archives.whole(iter(pieces), content_type="")) == full
    for cut in (1, len(comment) + 1, len(full) // 2):
        with pytest.raises(UnexpectedAnswer):
            list(archives.whole(iter([full[:-cut]]), content_type="application/octet-stream"))


def test_another_format_passes() -> None:
    assert list(archives.whole(iter([b'{"id": ', b'"1"}']), content_type="application/json")) != []


def test_a_result_beyond_the_limit(mparticle: MParticle, sandbox: Sandbox) -> None:
    url = finished_access(mparticle, sandbox)
    with pytest.raises(TooLarge):
        download(mparticle, url, limit_bytes=100)


def test_a_result_with_wrong_credentials(
    mparticle: MParticle, sandbox: Sandbox, processor: Processor
) -> None:
    url = finished_access(mparticle, sandbox)
    processor.credentials = {}
    with pytest.raises(Unauthorized):
        download(mparticle, url)


@pytest.mark.parametrize(
    "address",
    [
        "https://opendsr.mparticle.com.evil.example/v3/requests/1",
        "https://opendsr.mparticle.com@evil.example/v3/requests/1",
        "https://user:pass@opendsr.mparticle.com/v3/requests/1",
        "https://opendsr.mparticle.com:8443/v3/requests/1",
        "http://opendsr.mparticle.com/v3/requests/1",
        "https://opendsr.mparticle.com/v2/requests/1",
        "https://opendsr.mparticle.com/v33/requests/1",
        "https://opendsr.mparticle.com/v3",
        "https://opendsr.mparticle.com/v3/../v2/x",
        "https://opendsr.mparticle.com/v3/%2E%2e/v2/x",
        "https://opendsr.mparticle.com/v3/..\\x",
        "https://static.mparticle.com/v3/x",
        "https://[::1/v3/x",
        "https://opendsr.mparticle.com:x/v3/x",
        "//opendsr.mparticle.com/v3/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_credentials_go_to_no_other_address(mparticle: MParticle, processor: Processor, address: str) -> None:
    processor.base_url = "https://opendsr.mparticle.com/v3"
    with pytest.raises(Rejected, match="Nothing was sent there"):
        download(mparticle, address)


def test_the_address_of_a_result_is_compared_without_case_and_default_port(
    mparticle: MParticle, processor: Processor
) -> None:
    processor.base_url = "https://opendsr.mparticle.com/v3/"
    assert mparticle._is_below_base("https://OPENDSR.mParticle.com:443/v3/requests/1?x=../y")
