"""The manual in a real browser: it fits a telephone and a desk, and its pictures are as light or dark as its pages."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Browser, Page, expect

from cases.admin.help import pages
from tests.browser.reach import in_both_schemes
from tests.browser.walker import Walker
from tests.builders import person
from tests.live import LivePortal, live_portal

pytestmark = pytest.mark.django_db(transaction=True)

TELEPHONE, DESK = 375, 1280
HOME = "/admin/help/"


@pytest.fixture
def portal(transactional_db: None, logs: Path) -> Iterator[LivePortal]:
    person("agnes", time_zone="Europe/Berlin").groups.set(Group.objects.filter(name="agent"))
    with live_portal(logs) as running:
        yield running


def wider_than_its_window(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def test_every_page_fits(browser: Browser, portal: LivePortal) -> None:
    """PORTAL_GERMAN_PICTURES_DIR keeps a picture of each, to be looked at."""
    pictures = os.environ.get("PORTAL_GERMAN_PICTURES_DIR")
    agnes = Walker(browser, portal.url, "agnes")
    page, too_wide = agnes.page, []
    for language in ("en", "de"):
        page.set_extra_http_headers({"Accept-Language": language})
        for name in ("", *pages.PAGES):
            page.goto(f"{HOME}{name}/" if name else HOME)
            assert page.locator("html").get_attribute("lang") == language
            for width in (DESK, TELEPHONE):
                page.set_viewport_size({"width": width, "height": 900})
                if wider_than_its_window(page) > 0:
                    too_wide.append((language, name, width))
                if pictures:
                    path = Path(pictures) / f"help-{language}-{name}-{width}.png"
                    page.screenshot(path=path, full_page=True)
    assert too_wide == []
    assert agnes.complaints == []


def test_nothing_serious_stands_in_the_way_on_a_telephone(browser: Browser, portal: LivePortal) -> None:
    """Nor where something was found; on a desk they are among all pages of test_reach."""
    page = Walker(browser, portal.url, "agnes").page
    page.set_viewport_size({"width": TELEPHONE, "height": 900})
    found = {}
    for name in ("list", "sources", "running"):
        page.goto(f"{HOME}{name}/")
        found[name] = in_both_schemes(page)
    page.goto(HOME)
    page.get_by_label("Search the manual").fill("erasure")
    page.keyboard.press("Enter")
    expect(page.locator(".hit").first).to_be_visible()
    found["searched"] = in_both_schemes(page)
    assert {name: here for name, here in found.items() if here} == {}


def test_pictures_are_as_light_or_dark_as_the_page(browser: Browser, portal: LivePortal) -> None:
    page = Walker(browser, portal.url, "agnes").page
    page.goto(f"{HOME}board/")
    light, dark = page.locator(".shot .in-light"), page.locator(".shot .in-dark")
    expect(light).to_be_visible()
    expect(dark).to_be_hidden()
    assert light.evaluate("each => each.decode().then(() => each.naturalWidth)") == 1280
    page.emulate_media(color_scheme="dark")
    expect(dark).to_be_visible()
    expect(light).to_be_hidden()
    # Whoever chose light keeps it, whatever their computer is set to.
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(light).to_be_visible()
    expect(dark).to_be_hidden()


def test_a_question_finds_its_answer(browser: Browser, portal: LivePortal) -> None:
    agnes = Walker(browser, portal.url, "agnes")
    page = agnes.page
    page.goto("/admin/cases/case/")
    page.get_by_role("banner").get_by_role("link", name="Help").click()
    expect(page.get_by_role("heading", name="The list of cases", exact=True)).to_be_visible()
    agnes.go("Help")
    page.get_by_label("Search the manual").fill("undo approval")
    page.keyboard.press("Enter")
    assert page.url.endswith(HOME)
    page.get_by_role("link", name="Many cases at once · Undo an approval").click()
    assert page.url.endswith(f"{HOME}bulk/#undo")
    expect(page.get_by_role("heading", name="Undo an approval")).to_be_in_viewport()
    assert agnes.complaints == []
