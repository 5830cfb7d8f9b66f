"""Template tags of the manual: words of the screen, links between pages, and pictures."""

from functools import cache

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from cases.admin.help.contents import language
from cases.admin.help.pages import PAGES, address

register = template.Library()


@register.simple_tag
def ui(words: str) -> SafeString:
    """Words of the screen in the reader's language; `words` is their English, as the code has it."""
    return format_html("<b>{}</b>", gettext(words))


@register.simple_tag
def see(name: str, anchor: str = "") -> SafeString:
    """A link to a page of the manual by its title."""
    return format_html('<a href="{}">{}</a>', address(name, anchor), PAGES[name])


@register.simple_tag
def manual(name: str = "", anchor: str = "") -> str:
    """The address of a page of the manual, or of its first page."""
    return address(name, anchor)


@register.simple_tag
def picture(name: str, words: str) -> SafeString:
    """A picture of the screen in the reader's language, light or dark as the page is; `words` say what it shows.

    Raises FileNotFoundError where the picture was not taken yet.
    """
    shown = SafeString("")
    for scheme in ("light", "dark"):
        path = f"portal/help/{language()}/{name}-{scheme}.webp"
        width, height = _size(path)
        shown += format_html(
            '<img class="in-{}" src="{}" width="{}" height="{}" loading="lazy" alt="{}">',
            scheme,
            static(path),
            width,
            height,
            words,
        )
    return format_html('<figure class="shot">{}</figure>', shown)


@cache
def _size(path: str) -> tuple[int, int]:
    """Width and height in pixels, so that a page does not jump while its pictures load.

    An extended WebP has them in its head, each less one in 24 bits:
    https://developers.google.com/speed/webp/docs/riff_container#extended_file_format
    """
    found = finders.find(path)
    if not found:
        raise FileNotFoundError(f"{path}: make pictures")
    with open(found, "rb") as file:
        head = file.read(30)
    return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
