"""Whether everybody can use a page: what axe-core finds in it, and where the Tab key leads."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# All that can be used and is in sight. Of a group of radio buttons the Tab key reaches one.
_CONTROLS = """() => {
    const selector = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
    const inSight = (each) => each.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });
    const usable = (each) => !each.disabled && each.tabIndex >= 0 && inSight(each);
    const names = new Map();
    const name = (each) => {
        const own = each.type === 'radio' ? `radio ${each.name}` : each.outerHTML.slice(0, 160);
        names.set(own, (names.get(own) ?? 0) + 1);
        return each.type === 'radio' ? own : `${names.get(own)} ${own}`;
    };
    window.__names = new Map([...document.querySelectorAll(selector)].filter(usable).map((each) => [each, name(each)]));
    document.activeElement.blur();
    return [...new Set(window.__names.values())];
}"""

# What has the focus now: its name from above, and whether an outline or a shadow shows it.
_FOCUSED = """() => {
    const each = document.activeElement;
    if (each === document.body || each === document.documentElement) return null;
    const style = getComputedStyle(each);
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    return [window.__names.get(each) ?? '', outlined || style.boxShadow !== 'none'];
}"""


Findings = list[tuple[str, str]]
# What changes with the colours alone.
_CONTRAST = "axe.run({ runOnly: ['color-contrast'], resultTypes: ['violations'] })"


def serious(page: Page) -> Findings:
    """What axe-core finds that stands in somebody's way: the rule, and the markup that breaks it."""
    return _serious(Axe().run(page).response)


def in_both_schemes(page: Page) -> Findings:
    """In the light page, and by its contrast in the dark one."""
    page.emulate_media(color_scheme="light")
    light = serious(page)
    page.emulate_media(color_scheme="dark")
    dark = [(f"dark: {rule}", markup) for rule, markup in _serious(page.evaluate(_CONTRAST))]
    page.emulate_media(color_scheme="light")
    return [*light, *dark]


def _serious(response: dict[str, Any]) -> Findings:
    return [
        (each["id"], node["html"][:300])
        for each in response["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def unreached(page: Page) -> list[str]:
    """What is in sight and can be used with a mouse, but not reached by the Tab key, or without showing it."""
    wanted: list[str] = page.evaluate(_CONTROLS)
    seen: set[str] = set()
    unseen: list[str] = []
    # The skip link and scrolling parts come besides; one more round, and nothing new is to be had.
    for _step in range(2 * len(wanted) + 20):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is None:
            if seen:
                break
            continue
        name, shown = focused
        if name in seen and name == wanted[0]:
            break
        if name:
            seen.add(name)
            if not shown:
                unseen.append(f"without a visible focus: {name}")
    return [*(name for name in wanted if name not in seen), *unseen]
