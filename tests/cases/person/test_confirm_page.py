"""The page behind a confirmation link: opening it changes nothing, and of a link that is worthless it says no more."""

import logging
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Case, EmailConfirmation, VerificationRule
from cases.services.person import email_links, link_limits
from cases.services.person import mail as link_mail
from cases.services.person import rules as verification_rules
from dsrportal.queueing import store
from integrations.models import Processor
from tests.builders import actor, open_case, processor
from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    processor()
    return open_case()


@pytest.fixture
def address(case: Case, mailbox: Mailbox) -> str:
    identity = case.subject.identities.get()
    confirmation = email_links.ask(case, actor=actor("agnes"), identity=identity.pk)
    link_mail.send(confirmation.pk)
    return urlsplit(mailbox.links()[0]).path


def visitor(**more: Any) -> Client:
    return Client(REMOTE_ADDR="198.51.100.4", **more)


def status(case: Case) -> str:
    case.refresh_from_db()
    return case.status


def shown(answer: Any) -> tuple[int, str]:
    """What a visitor can tell answers apart by."""
    return answer.status_code, re.sub(r'value="[A-Za-z0-9]{64}"', "", answer.content.decode())


def test_opening_the_link_changes_nothing_and_the_button_confirms(case: Case, address: str) -> None:
    client = visitor(enforce_csrf_checks=True)
    for _scanner in range(3):
        page = client.get(address)
        assert page.status_code == client.head(address).status_code == 200
    assert status(case) == "verifying"
    events = AuditEvent.objects.count()
    assert "Yes, I made this request" in page.content.decode()
    assert client.post(address).status_code == 403, "without the form's token"
    assert (status(case), AuditEvent.objects.count()) == ("verifying", events)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    done = client.post(address, {"csrfmiddlewaretoken": token[1]}, follow=True)
    assert done.redirect_chain == [("/confirm/done/", 302)]
    assert "Thank you, your request is confirmed" in done.content.decode()
    assert status(case) == "ready"


def test_without_a_slash_at_its_end_the_link_is_the_same(case: Case, address: str) -> None:
    assert visitor().post(address + "/").status_code == 302
    assert status(case) == "ready"


def test_the_page_says_nothing_of_the_person_and_is_kept_by_nobody(case: Case, address: str) -> None:
    page = visitor().get(address)
    html = page.content.decode().lower()
    for word in ("ada", "lovelace", "example.org", case.reference.lower(), "agnes"):
        assert word not in html
    assert page["Cache-Control"] == "no-store"
    assert "noindex" in page["X-Robots-Tag"]
    assert "http" not in re.sub(r"<!doctype[^>]*>", "", html).replace("http-equiv", ""), "nothing of others"
    # `no-referrer` would have a browser send the form as from nowhere, which Django refuses.
    assert page["Referrer-Policy"] == "strict-origin"
    assert visitor().get("/confirm/done/")["Referrer-Policy"] == "no-referrer"
    assert "sessionid" not in page.cookies


def test_whatever_is_wrong_with_a_link_the_answer_is_the_same(case: Case, address: str) -> None:
    unknown = visitor().get("/confirm/AAAA.BBBB")
    assert unknown.status_code == 404
    assert "This link cannot be used" in unknown.content.decode()
    answers = {shown(unknown), shown(visitor().post("/confirm/AAAA.BBBB"))}
    confirmation = EmailConfirmation.objects.filter(case=case)
    for wrong in (
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"expires_at": timezone.now() + timedelta(days=1), "cancelled_at": timezone.now()},
        {"cancelled_at": None, "used_at": timezone.now()},
    ):
        confirmation.update(**wrong)
        answers |= {shown(visitor().get(address)), shown(visitor().post(address))}
    confirmation.update(used_at=None)
    rule = VerificationRule.objects.get(type=case.type, regulation=case.regulation)
    said: dict[str, Any] = {"data_points": 2, "declaration": False, "link_days": 7}
    verification_rules.change(rule, actor=actor("adam"), methods=["signed_in"], **said)
    answers |= {shown(visitor().get(address)), shown(visitor().post(address))}
    assert len(answers) == 1
    assert status(case) == "verifying"


def test_the_token_is_in_no_line_of_the_log(
    case: Case, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    from dsrportal.logs import OneLine, RouteInsteadOfPath

    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(RouteInsteadOfPath())
    caplog.handler.setFormatter(OneLine())
    client = visitor(enforce_csrf_checks=True)
    client.post(address)
    EmailConfirmation.objects.filter(case=case).update(expires_at=timezone.now())
    client.get(address)
    client.post(address)
    assert "confirm/" in caplog.text
    assert address.removeprefix("/confirm/") not in caplog.text


def test_who_opens_too_many_links_that_lead_nowhere_waits(case: Case, address: str) -> None:
    for _guess in range(link_limits.MOST):
        assert visitor().get("/confirm/AAAA.BBBB").status_code == 404
    limited = visitor().get("/confirm/AAAA.BBBB")
    assert limited.status_code == 429
    assert "Please wait a few minutes" in limited.content.decode()
    assert Client(REMOTE_ADDR="203.0.113.9").post(address).status_code == 302, "from elsewhere it works"


def test_without_the_store_links_still_work(case: Case, address: str, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert visitor().get("/confirm/AAAA.BBBB").status_code == 404
    assert visitor().post(address).status_code == 302


def test_where_the_case_cannot_go_on_the_person_may_come_back(case: Case, address: str) -> None:
    Processor.objects.all().delete()
    later = visitor().post(address)
    assert later.status_code == 503
    assert "Your link stays valid" in later.content.decode()
    processor()
    assert visitor().post(address).status_code == 302
    assert status(case) == "ready"
    assert store().ping()
