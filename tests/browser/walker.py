"""One person in one browser window."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.builders import PASSWORD

SIZE: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 820, "height": 1100}


class Walker:
    """Logged in. What the console says against us is kept."""

    def __init__(self, browser: Browser, base_url: str, username: str) -> None:
        self.context: BrowserContext = browser.new_context(
            base_url=base_url,
            viewport=SIZE,
            # Colours are what they will be at once, also when the scheme changes.
            reduced_motion="reduce",
        )
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

    def go(self, place: str) -> None:
        """By the navigation on the left."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=place).click()

    def figure(self, label: str) -> int:
        """Follow a figure of the board to its list; what it said."""
        self.page.goto("/admin/")
        found = self.page.locator(".figure", has_text=label)
        said = int(found.locator("strong").inner_text())
        found.click()
        self.page.wait_for_load_state()
        return said

    def picture(self, directory: Path, name: str, *, height: int = SIZE["height"]) -> None:
        """So much of the page, in pixels, light and dark."""
        self.page.set_viewport_size({"width": SIZE["width"], "height": height})
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            self.page.screenshot(path=directory / f"{name}-{scheme}.png", animations="disabled")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(SIZE)
