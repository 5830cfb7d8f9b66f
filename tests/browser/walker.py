"""One person in one browser window."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.builders import PASSWORD

SIZE: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 820, "height": 1100}

# A picture of the screen as WebP: a third of a PNG's size, and no letter looks different.
_AS_WEBP: Final = """async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.75).split(',')[1];
}"""


@dataclass(frozen=True, slots=True)
class Album:
    """Where pictures go, and in which languages they are taken: `<directory>/<language>/<name>-<scheme>.webp`."""

    directory: Path
    languages: tuple[str, ...]


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
        self.page.get_by_role("navigation", name="Main menu").get_by_role("link", name=place).click()

    def figure(self, label: str) -> int:
        """Follow a figure of the board to its list; what it said."""
        self.page.goto("/admin/")
        found = self.page.locator(".figure", has_text=label)
        said = int(found.locator("strong").inner_text())
        found.click()
        self.page.wait_for_load_state()
        return said

    def picture(
        self,
        album: Album,
        name: str,
        *,
        height: int = SIZE["height"],
        prepare: Callable[[Page], object] = lambda page: None,
    ) -> None:
        """So much of the page, in pixels, in each language of the album, light and dark.

        The page is loaded anew: `prepare` chooses again what was chosen on it.
        """
        self.page.set_viewport_size({"width": SIZE["width"], "height": height})
        darkroom = self.context.new_page()
        for language in album.languages:
            folder = album.directory / language
            folder.mkdir(parents=True, exist_ok=True)
            self.page.set_extra_http_headers({"Accept-Language": language})
            self.page.reload()
            prepare(self.page)
            self._in_both_schemes(folder / name, darkroom)
        darkroom.close()
        self.page.set_extra_http_headers({})
        self.page.set_viewport_size(SIZE)
        self.page.reload()

    def _in_both_schemes(self, path: Path, darkroom: Page) -> None:
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            taken = base64.b64encode(self.page.screenshot(animations="disabled")).decode()
            webp = darkroom.evaluate(_AS_WEBP, taken)
            path.with_name(f"{path.name}-{scheme}.webp").write_bytes(base64.b64decode(webp))
        self.page.emulate_media(color_scheme="light")
