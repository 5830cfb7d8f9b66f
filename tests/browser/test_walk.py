"""A real browser walks the main job once, and takes the README's pictures on its way.

The pictures go to PORTAL_PICTURES_DIR (`make pictures`), else to the test's own directory.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from cases.lifecycle import CaseStatus, Outcome
from cases.models import Case
from cases.services import audit
from tests.builders import PASSWORD, approved_case, open_case, person, processor, ready_case
from tests.live import LivePortal, live_portal
from tests.sandbox import Sandbox, running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600
SIZE: ViewportSize = {"width": 1360, "height": 860}


class Walker:
    """One person in one browser window. What the console says against us is kept."""

    def __init__(self, browser: Browser, base_url: str, username: str) -> None:
        self.context: BrowserContext = browser.new_context(base_url=base_url, viewport=SIZE)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto("/admin/")
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def choose(self, verb: str) -> None:
        """The one button at the top of the case page that is due now."""
        self.page.get_by_role("banner").get_by_role("link", name=verb).click()

    def picture(self, directory: Path, name: str) -> None:
        """The page as it stands, light and dark."""
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            self.page.screenshot(path=directory / f"{name}-{scheme}.png", animations="disabled")
        self.page.emulate_media(color_scheme="light")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    wished = os.environ.get("PORTAL_PICTURES_DIR")
    directory = Path(wished) if wished else tmp_path / "pictures"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def portal(transactional_db: None, sandbox: Sandbox, logs: Path) -> Iterator[LivePortal]:
    for name, role in (("agnes", "agent"), ("pia", "approver"), ("otto", "auditor")):
        person(name, time_zone="Europe/Berlin").groups.add(Group.objects.get(name=role))
    processor(sandbox, name="Shop (EU)")
    some_cases()
    with live_portal(logs) as running:
        yield running


def some_cases() -> None:
    """A queue as a working day has it."""
    now = timezone.now()
    for number, (kind, regulation, hours) in enumerate(
        [
            ("access", "gdpr", 30),
            ("erasure", "ccpa", 80),
            ("portability", "gdpr", 300),
            ("erasure", "gdpr", 640),
            ("access", "ccpa", 900),
            ("erasure", "gdpr", 150),
            ("access", "gdpr", 700),
        ]
    ):
        make = (open_case, ready_case, approved_case)[number % 3]
        make(
            type=kind,
            regulation=regulation,
            received_at=now - timedelta(hours=hours),
            identities=[("email", f"person{number}@example.org")],
        )


def test_a_case_from_the_form_to_its_end(
    browser: Browser, portal: LivePortal, sandbox: Sandbox, pictures: Path
) -> None:
    agnes = Walker(browser, portal.url, "agnes")
    page = agnes.page
    page.get_by_role("link", name="Cases").first.click()
    page.get_by_role("link", name="Open a case").first.click()
    page.get_by_label("Received at").fill(f"{timezone.now() - timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.get_by_label("Type", exact=True).select_option("erasure")
    page.locator("[name=identities-0-value]").fill("Ada.Lovelace@Example.org")
    agnes.picture(pictures, "open-a-case")
    page.get_by_role("button", name="Open case").click()
    case = Case.objects.latest("pk")
    assert page.url.endswith(f"/{case.pk}/change/")

    agnes.choose("Verify the person")
    page.get_by_label("Data points matched").check()
    for point in ("Name", "Postal address"):
        page.get_by_label(point, exact=True).check()
    page.get_by_role("button", name="Record verification").click()
    assert not page.get_by_role("link", name="Approve").count()

    pia = Walker(browser, portal.url, "pia")
    pia.page.goto(f"/admin/cases/case/{case.pk}/change/")
    pia.choose("Approve")
    pia.picture(pictures, "approve")
    pia.page.get_by_role("button", name="Approve").click()

    portal.work()
    sandbox.advance(DAY)
    page.goto(f"/admin/cases/case/{case.pk}/change/")
    assert page.get_by_text("Braze").count()
    agnes.picture(pictures, "case")
    sandbox.advance(15 * DAY)
    page.goto("/admin/cases/case/")
    agnes.picture(pictures, "queue")

    page.get_by_role("link", name=case.reference).click()
    agnes.choose("Close")
    page.get_by_label("Fulfilled", exact=True).check()
    page.get_by_role("button", name="Close").click()
    case.refresh_from_db()
    assert (case.status, case.outcome) == (CaseStatus.CLOSED, Outcome.FULFILLED)
    assert audit.verify(f"case:{case.pk}") == []

    otto = Walker(browser, portal.url, "otto")
    otto.page.goto("/admin/cases/auditevent/")
    assert otto.page.get_by_text(case.reference).count()
    otto.picture(pictures, "audit")
    assert agnes.complaints + pia.complaints + otto.complaints == []
