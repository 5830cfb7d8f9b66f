"""A day's list without a mouse: over the rows, into a case, on to the next, and never while somebody types."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Browser, expect

from tests.browser.walker import Walker
from tests.builders import open_case, person, processor
from tests.live import LivePortal, live_portal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def portal(transactional_db: None, logs: Path) -> Iterator[LivePortal]:
    person("agnes").groups.add(Group.objects.get(name="agent"))
    processor()
    with live_portal(logs) as running:
        yield running


def test_a_list_is_worked_by_keys(browser: Browser, portal: LivePortal) -> None:
    now = timezone.now()
    cases = [open_case(regulation="ccpa", received_at=now - timedelta(days=days)) for days in (9, 6, 3)]
    agnes = Walker(browser, portal.url, "agnes")
    page, press = agnes.page, agnes.page.keyboard.press
    page.goto("/admin/cases/case/")

    press("j")
    expect(page.get_by_role("link", name=cases[0].reference)).to_be_focused()
    press("ArrowDown")
    press("j")
    press("k")
    expect(page.get_by_role("link", name=cases[1].reference)).to_be_focused()
    press("Enter")
    expect(page.get_by_role("navigation", name="Cases in this list")).to_contain_text("2 of 3")
    press("n")
    expect(page.get_by_role("heading", name=cases[2].reference)).to_be_visible()
    press("n")  # there is none
    press("p")
    expect(page.get_by_role("heading", name=cases[1].reference)).to_be_visible()
    press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    press("n")  # a dialog is open
    press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    expect(page.get_by_role("heading", name=cases[1].reference)).to_be_visible()

    page.goto("/admin/cases/case/")
    press("/")
    page.keyboard.type("jn?k")
    expect(page.locator("#sought")).to_have_value("jn?k")
    expect(page.locator("#keys")).to_be_hidden()
    assert agnes.complaints == []
