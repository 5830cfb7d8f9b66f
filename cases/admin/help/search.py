"""The search over the manual, in the reader's language."""

import re
from dataclasses import dataclass
from typing import Final

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from cases.admin.help.contents import Page, Section, manual

MOST_HITS: Final = 20
_MOST_WORDS: Final = 8
# Letters of the text shown before and after the first word found.
_BEFORE, _AFTER = 60, 160


@dataclass(frozen=True, slots=True)
class Hit:
    """One part of a page that has the words, or of whose page they are."""

    page: Page
    section: Section
    excerpt: SafeString


def search(text: str, language: str) -> list[Hit]:
    """The parts of the manual that hold every word of `text`, best first, at most `MOST_HITS`.

    A word is found within longer ones, and by its stem where it is long: “approving” finds “approval”.
    """
    words = re.findall(r"\w+", text.lower())[:_MOST_WORDS]
    if not words:
        return []
    stems = [word[: max(5, len(word) - 3)] for word in words]
    scored = [
        (score, Hit(page, section, _excerpt(section.text, stems)))
        for page in manual(language).values()
        for section in page.sections
        if (score := _score(page, section, words, stems))
    ]
    # Sorting is stable: what is equally good stays in the order of the manual.
    return [hit for _score, hit in sorted(scored, key=lambda each: -each[0])[:MOST_HITS]]


def _score(page: Page, section: Section, words: list[str], stems: list[str]) -> int:
    title, heading, text = page.title.lower(), section.heading.lower(), section.text.lower()
    whole = f"{title} {heading} {text}"
    if not all(stem in whole for stem in stems):
        return 0
    exact = sum(word in whole for word in words)
    placed = sum(4 * (stem in heading) + 3 * (stem in title) + min(text.count(stem), 3) for stem in stems)
    return 10 * exact + placed


def _excerpt(text: str, stems: list[str]) -> SafeString:
    lowered = text.lower()
    found = [place for stem in stems if (place := lowered.find(stem)) >= 0]
    first = min(found, default=0)
    start = max(0, first - _BEFORE)
    # From one blank to another, so that no word is cut.
    start = text.rfind(" ", 0, start) + 1 if start else 0
    end = first + _AFTER
    end = text.rfind(" ", first, end) if end < len(text) else len(text)
    marked = _marked(text[start:end], stems)
    return format_html("{}{}{}", "… " if start else "", marked, " …" if end < len(text) else "")


def _marked(text: str, stems: list[str]) -> SafeString:
    parts = re.split(rf"(\w*(?:{'|'.join(map(re.escape, stems))})\w*)", text, flags=re.IGNORECASE)
    pieces = [
        format_html("<mark>{}</mark>", part) if number % 2 else conditional_escape(part)
        for number, part in enumerate(parts)
    ]
    return mark_safe("".join(pieces))  # noqa: S308  (each piece is escaped)
