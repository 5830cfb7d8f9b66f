"""Chromium, driven by Playwright; where there is none these tests are skipped and say so."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.walker import Album
from tests.browser.working_day import Office, open_office

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# Without these Chromium looks up its maker's hosts at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    # Playwright's event loop runs in this thread; Django would take the tests for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # As long as a busy machine may need; nothing waits that long where all is well.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def office(
    browser: Browser,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    """One for all tests of a module: none may rest on what another has left there."""
    with django_db_blocker.unblock(), open_office(tmp_path_factory.mktemp("office")) as opened:
        yield opened


@pytest.fixture
def pictures(tmp_path: Path) -> Album:
    """Where the manual's pictures go: PORTAL_PICTURES_DIR (`make pictures`), in every language of the portal; else the
    test's own directory, in one."""
    wished = os.environ.get("PORTAL_PICTURES_DIR")
    return Album(Path(wished), ("en", "de")) if wished else Album(tmp_path / "pictures", ("en",))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"
