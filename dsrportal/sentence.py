"""Sentences as values: English where they are compared and kept, the language of whoever looks where they are shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Union

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise

Slot = Union[str, int, date, Promise, "Sentence", tuple[Union[str, "Sentence"], ...]]


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Sentence:
    """A msgid with named slots, `%(name)s`, and what fills them. No text: nothing is joined to it or cut out of it.

    `str()`, a template, a message and `%s` show it in the language, and its instants in the zone, of the moment.
    Two are equal if their English is, whatever language is active. An empty one is false.
    """

    # What is kept and searched for: the same whatever language and zone are active.
    english: str
    template: str
    slots: Mapping[str, Slot]

    def __init__(self, template: str | Promise = "", /, **slots: Slot) -> None:
        """`template` is the msgid, or a label that is translated later."""
        msgid = str(_english(template))
        words = {name: _english(slots[name]) for name in slots}
        object.__setattr__(self, "english", self._in_english(_filled(msgid, words)))
        object.__setattr__(self, "template", msgid)
        object.__setattr__(self, "slots", slots)

    def _in_english(self, text: str) -> str:
        return text

    def __str__(self) -> str:
        translated = translation.gettext(self.template) if self.template else ""
        return _filled(translated, {name: _shown(self.slots[name]) for name in self.slots})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.english!r}>"

    def __bool__(self) -> bool:
        return bool(self.english)

    if not TYPE_CHECKING:
        # Unseen by mypy, which so reports a sentence that is compared with a text: they are never equal.
        def __eq__(self, other: object) -> bool:
            return self.english == other.english if isinstance(other, Sentence) else NotImplemented

        def __hash__(self) -> int:
            return hash(self.english)

    def stored(self) -> dict[str, Any]:
        """As JSON; `read` makes the same of it again."""
        return {"template": self.template, "slots": {name: _stored(self.slots[name]) for name in self.slots}}

    @staticmethod
    def read(stored: Mapping[str, Any]) -> "Sentence":
        slots = {name: _read(value) for name, value in stored.get("slots", {}).items()}
        return (Word if stored.get("word") else Sentence)(stored.get("template", ""), **slots)


class Word(Sentence):
    """A label inside a sentence: small in English, as it is elsewhere, since German nouns keep their capitals."""

    def __init__(self, label: str | Promise | Sentence = "", /, **slots: Slot) -> None:
        if isinstance(label, Sentence):
            super().__init__(label.template, **label.slots)
        else:
            super().__init__(label, **slots)

    def _in_english(self, text: str) -> str:
        return text.lower()

    def __str__(self) -> str:
        return within(super().__str__())

    def stored(self) -> dict[str, Any]:
        return {**super().stored(), "word": True}


class Verbatim(Sentence):
    """Words that are the same in every language: a name, or the text of a row that an earlier version wrote."""

    def __init__(self, text: str = "", /) -> None:
        super().__init__(text)

    def __str__(self) -> str:
        return self.english

    def stored(self) -> dict[str, Any]:
        """Nothing: its text is all there is."""
        return {}


def paragraph(sentences: Iterable[Sentence]) -> Sentence:
    """Several sentences as one, each of which keeps its languages."""
    slots: dict[str, Slot] = {f"sentence_{place}": each for place, each in enumerate(sentences)}
    return Sentence(" ".join(f"%({name})s" for name in slots), **slots)


def within(label: object) -> str:
    """A label as it stands inside a sentence of the current language."""
    text = str(label)
    return text.lower() if (translation.get_language() or "en").startswith("en") else text


def _filled(template: str, words: Mapping[str, object]) -> str:
    return template % words if words else template


def _english(value: Slot) -> str | int:
    """What a slot holds, whatever language and zone are active."""
    if isinstance(value, Sentence):
        return value.english
    if isinstance(value, tuple):
        return ", ".join(str(_english(each)) for each in value)
    if isinstance(value, str | int):
        return value
    with translation.override("en"), timezone.override(UTC):
        return _shown(value)


def _shown(value: Slot) -> str | int:
    if isinstance(value, int):
        return value
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, datetime):
        there = timezone.localtime(value)
        return f"{date_format(there, 'DATE_FORMAT')} {there:%H:%M} {there.tzname()}"
    if isinstance(value, date):
        return date_format(value, "DATE_FORMAT")
    return str(value)


def _stored(value: Slot) -> Any:
    if isinstance(value, Verbatim):
        return value.english
    if isinstance(value, Sentence):
        return value.stored()
    if isinstance(value, Promise):
        return Sentence(value).stored()
    if isinstance(value, tuple):
        return [_stored(each) for each in value]
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    return value


def _read(value: Any) -> Slot:
    if isinstance(value, list):
        return tuple(str(each) if not isinstance(each, dict) else Sentence.read(each) for each in value)
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    if "at" in value:
        return datetime.fromisoformat(value["at"])
    if "on" in value:
        return date.fromisoformat(value["on"])
    return Sentence.read(value)


NOTHING: Final = Verbatim()
