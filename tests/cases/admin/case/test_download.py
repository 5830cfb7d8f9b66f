"""A result package leaves the portal as an attachment, in the trail, for those who may."""

import hashlib

import pytest
from django.urls import reverse

from cases.models import AuditEvent, ResultPackage
from cases.services.dispatch import dispatch
from cases.services.reports import reconciling
from cases.services.results import fetching as result_fetching
from integrations.models import Processor
from tests.builders import approved_case
from tests.cases.admin.desk_users import browser
from tests.sandbox import Sandbox

THREE_DAYS = 3 * 24 * 3600


@pytest.fixture
def package(target: Processor, sandbox: Sandbox) -> ResultPackage:
    case = approved_case(type="access")
    dispatch.drain(target.pk)
    sandbox.advance(THREE_DAYS)
    request = case.requests.get()
    reconciling.refresh(request.pk)
    result_fetching.fetch(request.pk)
    return ResultPackage.objects.get(processor_request=request)


def address(package: ResultPackage) -> str:
    case = package.processor_request.case_id
    return reverse("admin:cases_case_verb_on", args=[case, "download", package.pk])


def downloads() -> int:
    return AuditEvent.objects.filter(action="result.downloaded").count()


def test_it_is_sent_as_an_attachment_that_no_browser_opens(package: ResultPackage) -> None:
    client = browser("agnes")
    assert package.sha256 in client.get(address(package)).content.decode()
    assert downloads() == 0
    answer = client.post(address(package))
    content: bytes = answer.getvalue()
    assert hashlib.sha256(content).hexdigest() == package.sha256
    reference = package.processor_request.case.reference
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{reference}-sandbox-0.')
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    assert downloads() == 1


@pytest.mark.parametrize("name", ["pia", "otto", "charlie"])
def test_who_may_not_download(package: ResultPackage, name: str) -> None:
    client = browser(name)
    assert client.get(address(package)).status_code == 403
    assert client.post(address(package)).status_code == 403
    assert downloads() == 0


def test_the_case_offers_it_to_who_may(package: ResultPackage) -> None:
    page = reverse("admin:cases_case_change", args=[package.processor_request.case_id])
    assert address(package) in browser("agnes").get(page).content.decode()
    assert address(package) not in browser("pia").get(page).content.decode()


def test_a_package_whose_key_is_gone_is_told_in_a_sentence(package: ResultPackage) -> None:
    package.processor_request.case.data_key.destroy()
    answer = browser("agnes").post(address(package))
    assert "This can never be read again." in answer.content.decode()
