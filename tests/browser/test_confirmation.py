"""A person is verified by their own word: from the agent's form over a real mail to the button in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Browser, ViewportSize, expect

from cases.lifecycle import CaseStatus
from cases.models import Case, VerificationMethod
from tests.browser.reach import serious
from tests.browser.walker import TABLET, Walker
from tests.builders import open_case, person, processor
from tests.live import LivePortal, live_portal
from tests.mailbox import Mailbox, running_mailbox

pytestmark = pytest.mark.django_db(transaction=True)

PHONE: ViewportSize = {"width": 390, "height": 780}


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """Where the portal's processes deliver, by their environment."""
    with running_mailbox() as running:
        monkeypatch.setenv("EMAIL_URL", f"smtp://127.0.0.1:{running.port}")
        monkeypatch.setenv("DEFAULT_FROM_EMAIL", "privacy@portal.example")
        yield running


@pytest.fixture
def portal(transactional_db: None, mailbox: Mailbox, logs: Path) -> Iterator[LivePortal]:
    for name, role in (("agnes", "agent"), ("pia", "approver"), ("adam", "administrator")):
        person(name, time_zone="Europe/Berlin").groups.add(Group.objects.get(name=role))
    processor(name="Shop (EU)")
    with live_portal(logs) as running:
        yield running


def test_a_person_confirms_by_the_link(portal: LivePortal, mailbox: Mailbox, browser: Browser) -> None:
    case = open_case(identities=[("email", "ada@example.org"), ("controller_customer_id", "C-20417")])
    agnes = Walker(browser, portal.url, "agnes")
    agnes.page.goto(f"/admin/cases/case/{case.pk}/verify/")
    for method in VerificationMethod:
        agnes.page.get_by_label(str(method.label), exact=True).check()
    agnes.page.get_by_label("Data points matched", exact=True).check()
    expect(agnes.page.get_by_label("Passport")).to_be_hidden()
    agnes.page.get_by_label("Identity not confirmed").check()
    expect(agnes.page.get_by_label("The requester did not respond")).to_be_visible()
    assert serious(agnes.page) == []
    agnes.page.set_viewport_size(TABLET)
    agnes.page.get_by_label("E-mail address confirmed", exact=True).check()
    agnes.page.get_by_role("button", name="Send link").click()
    expect(agnes.page.get_by_text("Waiting to be sent")).to_be_visible()
    portal.work("results")
    agnes.page.reload()
    expect(agnes.page.get_by_text("Valid until", exact=True)).to_be_visible()
    agnes.page.set_viewport_size({"width": 1280, "height": 900})
    assert serious(agnes.page) == []
    _confirm(browser, mailbox, portal)
    case.refresh_from_db()
    assert (case.status, case.verified_by) == (CaseStatus.READY, None)
    agnes.page.reload()
    _looked_at(browser, portal, case)
    assert not agnes.complaints


def _confirm(browser: Browser, mailbox: Mailbox, portal: LivePortal) -> None:
    (link,) = mailbox.links()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(link)
    page.set_viewport_size(PHONE)
    assert serious(page) == []
    # With the origin that this page's policy lets a browser tell: a forged form would be refused.
    page.get_by_role("button", name="Yes, I made this request").click()
    expect(page.get_by_text("Thank you, your request is confirmed")).to_be_visible()
    page.goto(link)
    expect(page.get_by_role("heading", name="This link cannot be used")).to_be_visible()
    assert link.rpartition("/")[2] not in portal.log()
    context.close()


def _looked_at(browser: Browser, portal: LivePortal, case: Case) -> None:
    pia = Walker(browser, portal.url, "pia")
    pia.page.goto(f"/admin/cases/case/{case.pk}/approve/")
    expect(pia.page.get_by_text("not confirmed as the requester’s")).to_have_count(1)
    adam = Walker(browser, portal.url, "adam")
    adam.page.goto("/admin/cases/verificationrule/")
    adam.page.locator("#result_list a").first.click()
    assert serious(adam.page) == []
    assert not [*pia.complaints, *adam.complaints]
