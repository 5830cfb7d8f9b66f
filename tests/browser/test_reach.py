"""Nobody is shut out: axe-core finds nothing serious, light or dark, and the keyboard goes wherever the mouse does."""

from collections.abc import Callable

import pytest
from django.test import override_settings
from playwright.sync_api import Browser, Page, expect

from cases.services.person import email_links
from tests.browser.every_page import Pages, furnished, only
from tests.browser.reach import Findings, in_both_schemes, unreached
from tests.browser.walker import SIZE, TABLET, Walker
from tests.browser.working_day import Office
from tests.builders import actor, open_case

Found = dict[str, Findings]


@pytest.fixture(scope="module")
def pages(office: Office) -> Pages:
    return furnished(office)


@pytest.fixture
def adam(browser: Browser, office: Office) -> Walker:
    """Sees everything."""
    return Walker(browser, office.portal.url, "adam")


def look(page: Page, name: str, found: Found) -> None:
    if here := in_both_schemes(page):
        found[name] = here


def test_nothing_serious_stands_in_the_way_on_any_page(adam: Walker, pages: Pages) -> None:
    found: Found = {}
    for name, address in pages.items():
        adam.page.goto(address)
        look(adam.page, name, found)
    assert found == {}
    # The one page that is not there says so on the console.
    assert [each for each in adam.complaints if "404" not in each] == []


def _menu_of(summary: str) -> Callable[[Page], None]:
    return lambda page: page.locator("summary", has_text=summary).first.click()


OPENED: dict[str, tuple[str, Callable[[Page], None]]] = {
    "filters": ("list of cases", _menu_of("More filters")),
    "one filter": ("list of cases", _menu_of("Status")),
    "keeping a view": ("list of cases, narrowed", _menu_of("Save as view")),
    "ticks": ("list of cases", lambda page: page.get_by_role("checkbox", name="Select").first.check()),
    "all ticked": ("list of cases", lambda page: page.get_by_label("matching cases").check()),
    "the account's menu": ("board", lambda page: page.locator("details.me summary").click()),
    "the numbers of the chart": ("board", _menu_of("All numbers as a table")),
    "the other verbs": ("case that is ready", lambda page: page.locator("details.verbs summary").click()),
    "an answer to a note": ("case that needs attention", _menu_of("Reply")),
    "colleagues to name": ("case that is ready", lambda page: _naming(page)),
    "the keys": ("list of cases", lambda page: page.keyboard.press("?")),
    "a correction": ("open a case", lambda page: _chosen(page, "correction")),
    "a link": ("verify", lambda page: page.get_by_label("E-mail address confirmed").check()),
    "a failure": ("verify", lambda page: _failed(page)),
    "what is missing": ("open a case", lambda page: page.get_by_role("button", name="Open case").click()),
    "a new token": ("intake source", lambda page: _new_token(page)),
    "messages": ("case that is ready", lambda page: _noted(page)),
}


def _chosen(page: Page, kind: str) -> None:
    page.get_by_label("Type", exact=True).select_option(kind)


def _failed(page: Page) -> None:
    page.get_by_label("Data points matched", exact=True).check()
    page.get_by_label("Identity not confirmed").check()


def _new_token(page: Page) -> None:
    page.get_by_role("link", name="Replace the token").click()
    page.get_by_role("button", name="Replace the token").click()
    expect(page.get_by_text("Copy the token now")).to_be_visible()


def _naming(page: Page) -> None:
    page.get_by_label("Add note").press_sequentially("For @")
    expect(page.get_by_role("listbox", name="Colleagues")).to_be_visible()


def _noted(page: Page) -> None:
    page.get_by_label("Add note").fill("For @nobody here.")
    page.get_by_role("button", name="Add note").click()
    expect(
        page.get_by_text("mention reached no one: no colleague with access to cases has that name.")
    ).to_be_visible()


def test_nor_in_what_opens_on_a_page(adam: Walker, pages: Pages) -> None:
    found: Found = {}
    for what, (name, open_it) in OPENED.items():
        adam.page.goto(pages[name])
        open_it(adam.page)
        look(adam.page, what, found)
    assert found == {}
    assert [each for each in adam.complaints if "404" not in each] == []


def test_nor_on_a_tablet(adam: Walker, pages: Pages) -> None:
    found: Found = {}
    adam.page.set_viewport_size(TABLET)
    for name, address in only(pages, "board", "list of cases", "case that is ready", "side by side").items():
        adam.page.goto(address)
        look(adam.page, name, found)
    assert found == {}


def test_nor_where_nobody_has_logged_in(browser: Browser, office: Office) -> None:
    """At the log-in, and where a person confirms that a request is theirs."""
    with override_settings(MAIL_MISSING=[]):
        case = open_case(identities=[("email", "dora@example.org")])
        email_links.ask(case, actor=actor("agnes"), identity=case.subject.identities.get().pk)
    office.portal.work("results")
    context = browser.new_context(base_url=office.portal.url, viewport=SIZE, reduced_motion="reduce")
    page = context.new_page()
    found: Found = {}
    for address in ("/admin/login/", office.mailbox.links()[-1], "/confirm/gone/", "/confirm/done/"):
        page.goto(address)
        look(page, address, found)
    assert found == {}


# --- by keyboard


def test_the_tab_key_reaches_all_that_a_mouse_can_and_shows_where_it_is(adam: Walker, pages: Pages) -> None:
    walked = only(
        pages,
        "board",
        "list of cases",
        "case that needs attention",
        "verify",
        "open a case",
        "bulk run, previewed",
        "import, upload",
        "audit trail",
        "processor",
    )
    missed = {}
    for name, address in walked.items():
        adam.page.goto(address)
        if found := unreached(adam.page):
            missed[name] = found
    assert missed == {}


def test_menus_open_by_enter_and_close_by_escape(adam: Walker, pages: Pages) -> None:
    page, opened = adam.page, 0
    for address in only(pages, "board", "list of cases, narrowed", "case that is ready").values():
        page.goto(address)
        for summary in page.locator("details:is(.menu-box, .me) > summary:visible").all():
            menu = summary.locator("xpath=..")
            summary.focus()
            page.keyboard.press("Enter")
            expect(menu).to_have_attribute("open", "")
            page.keyboard.press("Tab")
            assert menu.evaluate("each => each.contains(document.activeElement)")
            page.keyboard.press("Escape")
            expect(menu).not_to_have_attribute("open", "")
            expect(summary).to_be_focused()
            opened += 1
    assert opened > 8


def test_a_dialog_keeps_the_focus_and_gives_it_back(adam: Walker, pages: Pages) -> None:
    page = adam.page
    page.goto(pages["list of cases"])
    page.keyboard.press("j")
    row = page.locator("#result_list tbody a.row-title, #result_list tbody th a").first
    expect(row).to_be_focused()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    for _step in range(4):
        page.keyboard.press("Tab")
        # The browser's own bar may come between; the page behind never does.
        assert dialog.evaluate("each => each.contains(document.activeElement)") or page.evaluate(
            "document.activeElement === document.body"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row).to_be_focused()
