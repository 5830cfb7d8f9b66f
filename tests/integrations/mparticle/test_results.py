"""Results: downloaded with the credentials from below the API address, and from nowhere else."""

import io
import zipfile

import pytest

from integrations.errors import Expired, IntegrationError, NothingFound, Rejected, TooLarge, Unauthorized
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from integrations.types import ReportedStatus
from tests.integrations.mparticle.conftest import request
from tests.sandbox import Sandbox

DAY = 24 * 3600


def finished_access(mparticle: MParticle, sandbox: Sandbox) -> str:
    sent = request(request_type="access")
    mparticle.submit(sent)
    sandbox.advance(8 * DAY)
    report = mparticle.report(sent.request_id)
    assert report.status == ReportedStatus.COMPLETED
    assert report.results_url
    return report.results_url


def download(mparticle: MParticle, url: str, limit_bytes: int = 10_000_000) -> bytes:
    with mparticle.fetch_result(url, limit_bytes=limit_bytes) as result:
        return b"".join(result.chunks)


def test_a_result_is_downloaded(mparticle: MParticle, sandbox: Sandbox) -> None:
    url = finished_access(mparticle, sandbox)
    with mparticle.fetch_result(url, limit_bytes=10_000_000) as result:
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
    with pytest.raises(Rejected, match="nothing was sent"):
        download(mparticle, address)


def test_the_address_of_a_result_is_compared_without_case_and_default_port(
    mparticle: MParticle, processor: Processor
) -> None:
    processor.base_url = "https://opendsr.mparticle.com/v3/"
    assert mparticle._is_below_base("https://OPENDSR.mParticle.com:443/v3/requests/1?x=../y")
