"""Sentences that are kept: English as a value, and in the language of whoever looks where they are shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.functional import Promise

Slot = str | int | date | datetime | Promise | tuple[str, ...]


class Wording(str):
    """A msgid with named slots, `%(name)s`, and what fills them.

    The value itself is the English text: it can be compared, hashed, stored and joined, whoever's language is active.
    `str()`, a template, a message and `%s` show it in the language, and its instants in the zone, of the moment.
    """

    template: str
    slots: Mapping[str, Slot]

    def __new__(cls, template: str = "", /, **slots: Slot) -> Self:
        made = super().__new__(cls, cls._filled(template, {name: _english(slots[name]) for name in slots}))
        made.template, made.slots = template, slots
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.template,), dict(self.slots)

    @classmethod
    def _filled(cls, template: str, words: Mapping[str, object]) -> str:
        return template % words if words else template

    def __str__(self) -> str:
        translated = translation.gettext(self.template) if self.template else ""
        return self._filled(translated, {name: _shown(self.slots[name]) for name in self.slots})

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def stored(self) -> dict[str, Any]:
        """As JSON; `read` makes the same of it again."""
        return {"template": self.template, "slots": {name: _stored(self.slots[name]) for name in self.slots}}

    @staticmethod
    def read(stored: Mapping[str, Any]) -> "Wording":
        slots = {name: _read(value) for name, value in stored.get("slots", {}).items()}
        return (Word if stored.get("word") else Wording)(stored.get("template", ""), **slots)


def together(sentences: Sequence[str]) -> Wording:
    """Several sentences as one text, each of which keeps its languages."""
    slots: dict[str, Slot] = {f"sentence_{place}": each for place, each in enumerate(sentences)}
    return Wording(" ".join(f"%({name})s" for name in slots), **slots)


class Word(Wording):
    """A label inside a sentence: small in English, as it is elsewhere, since German nouns keep their capitals."""

    def __new__(cls, label: str | Promise = "", /, **slots: Slot) -> Self:
        return super().__new__(cls, str(_english(label)), **slots)

    def __str__(self) -> str:
        return within(super().__str__())

    def stored(self) -> dict[str, Any]:
        return {**super().stored(), "word": True}


def within(label: object) -> str:
    """A label as it stands inside a sentence of the current language."""
    text = str(label)
    return text.lower() if (translation.get_language() or "en").startswith("en") else text


def _english(value: Slot) -> str | int:
    """What a slot holds, whatever language and zone are active."""
    if isinstance(value, Word):
        return str.lower(value)
    if isinstance(value, Wording):
        return str.__str__(value)
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
        return f"{date_format(there, 'd M Y')} {there:%H:%M} {there.tzname()}"
    if isinstance(value, date):
        return date_format(value, "d M Y")
    return str(value)


def _stored(value: Slot) -> Any:
    if isinstance(value, Wording):
        return value.stored()
    if isinstance(value, Promise):
        return Wording(str(_english(value))).stored()
    if isinstance(value, tuple):
        return [_stored(each) for each in value]
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    return value


def _read(value: Any) -> Slot:
    if isinstance(value, list):
        return tuple(str(each) if not isinstance(each, dict) else Wording.read(each) for each in value)
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    if "at" in value:
        return datetime.fromisoformat(value["at"])
    if "on" in value:
        return date.fromisoformat(value["on"])
    return Wording.read(value)
