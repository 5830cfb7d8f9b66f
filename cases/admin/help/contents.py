"""Renders the pages of the manual, once a language, and takes them apart by heading for the search."""

from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from cases.admin.help.pages import PAGES


@dataclass(slots=True)
class Section:
    """One heading of a page and the plain text below it."""

    anchor: str
    heading: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page in one language. `lead` says in a sentence what it is for."""

    name: str
    title: str
    html: SafeString
    lead: str
    sections: list[Section]


def language() -> str:
    """The reader's language, or English where the manual is not written in it."""
    active = translation.get_language() or ""
    return active if active in dict(settings.LANGUAGES) else "en"


@cache
def manual(language: str) -> dict[str, Page]:
    """All pages in one language, by name, in the order of `PAGES`."""
    with translation.override(language):
        return {name: _page(name, str(title), language) for name, title in PAGES.items()}


def _page(name: str, title: str, language: str) -> Page:
    html = render_to_string(f"portal/help/{language}/{name}.html")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    sections = [Section(each.anchor, _plain(each.heading), _plain(each.text)) for each in reader.sections]
    return Page(name, title, mark_safe(html), _plain(reader.lead), sections)  # noqa: S308  (a template of ours)


def _plain(text: str) -> str:
    return " ".join(text.split())


class _Reader(HTMLParser):
    """Reads a page's first paragraph, and what stands below each `<h2 id=…>`."""

    def __init__(self) -> None:
        super().__init__()
        self.lead = ""
        self.sections: list[Section] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "h2":
            self.sections.append(Section(given.get("id") or ""))
            self._within = "heading"
        elif tag == "p" and given.get("class") == "lead":
            self._within = "lead"

    def handle_endtag(self, tag: str) -> None:
        if tag in {"h2", "p"}:
            self._within = ""
        if self.sections and tag not in {"b", "a", "code", "strong", "em", "kbd"}:
            # Words of two cells or paragraphs stay two words.
            self.sections[-1].text += " "

    def handle_data(self, data: str) -> None:
        if self._within == "lead":
            self.lead += data
        elif self._within == "heading":
            self.sections[-1].heading += data
        elif self.sections:
            self.sections[-1].text += data
