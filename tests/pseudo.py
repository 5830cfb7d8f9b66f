"""A language in which every text that can be translated stands in brackets, and what a page says outside of them.

Only the words of a text are put into brackets, not what fills its gaps: a code, or an English sentence in the gap of a
translated one, stays outside and is found.
"""

import re
from html.parser import HTMLParser
from types import ModuleType
from typing import Final

import pytest
from django.utils.translation import trans_real

from cases.admin import widgets
from cases.admin.help import contents
from cases.admin.home import board_chart
from dsrportal import dates

# What is no word of a text: its gaps, and the tags in it.
_BETWEEN: Final = re.compile(r"(%\(\w+\)[sd]|%[sd]|{\w*}|<[^>]+>|: )")
_MARKED: Final = re.compile(r"⟦[^⟦⟧]*⟧")
_CONTEXT: Final = "\x04"
# Code, and what people and systems are called, is the same in every language.
_NOT_READ: Final = frozenset({"script", "style", "code", "pre", "textarea"})
_OF_NAMES: Final = frozenset({"time_zone", "language"})
_READ_ATTRIBUTES: Final = frozenset({"title", "aria-label", "placeholder", "alt", "label"})
_VOID: Final = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "use", "wbr"})
_WORD: Final = re.compile(r"[A-Za-z]{3,}")

KEPT_BY_LANGUAGE: Final[tuple[tuple[ModuleType, str], ...]] = (
    (contents, "manual"),
    (widgets, "_case_badge"),
    (widgets, "_mark"),
    (board_chart, "_drawn"),
    (dates, "_written"),
)


class Pseudo(trans_real.DjangoTranslation):
    def gettext(self, message: str) -> str:
        parts = _BETWEEN.split(str(message).rpartition(_CONTEXT)[2])
        return "".join(part if place % 2 else _marked(part) for place, part in enumerate(parts))

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


def _marked(part: str) -> str:
    return f"⟦{part}⟧" if re.search(r"\w", part) else part


def speak(patch: pytest.MonkeyPatch) -> None:
    """Let German be that language."""
    patch.setitem(trans_real._translations, "de", Pseudo("de"))  # type: ignore[attr-defined]
    # What is kept by language would be in German, or stay in this language after the test.
    for module, name in KEPT_BY_LANGUAGE:
        patch.setattr(module, name, getattr(module, name).__wrapped__)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.unread: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        # What names its language was written in it: a page of the manual.
        written = "lang" in said and tag != "html"
        unread = tag in _NOT_READ or said.get("translate") == "no" or said.get("name") in _OF_NAMES
        if tag not in _VOID and (self.unread or unread or written):
            self.unread.append(tag)
        if tag == "img" and self.unread:
            return
        self.found += [value or "" for name, value in attrs if name in _READ_ATTRIBUTES]
        # What a script of ours says.
        self.found += [
            value
            for name, value in attrs
            if name.startswith("data-") and value and re.search(r"[a-z] ", value)
        ]
        if tag == "input" and said.get("type") in {"submit", "button"}:
            self.found.append(said.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if self.unread and self.unread[-1] == tag:
            self.unread.pop()

    def handle_data(self, data: str) -> None:
        if not self.unread:
            self.found.append(data)


def bare(page: str, *, names: re.Pattern[str]) -> list[str]:
    """What stands outside the brackets, apart from these names."""
    reader = _Page()
    reader.feed(page)
    left = (names.sub(" ", _MARKED.sub(" ", text)) for text in reader.found)
    return [" ".join(text.split()) for text in left if _WORD.search(text)]
