"""Rows that keep a sentence, which each reader sees in their own language."""

from typing import TYPE_CHECKING, Any, Self

from django.db import models

from dsrportal.sentence import NOTHING, Sentence, Verbatim


class SentenceField(models.TextField):
    """A sentence, kept as its English text and found by it; what it is made of stands in `wording` beside it.

    Read without `wording`, as by `values_list`, it speaks English to everybody.
    """

    if TYPE_CHECKING:
        _pyi_private_set_type: Sentence  # type: ignore[assignment]
        _pyi_private_get_type: Sentence  # type: ignore[assignment]

    def get_internal_type(self) -> str:
        return "CharField" if self.max_length else "TextField"

    def deconstruct(self) -> Any:
        """As Django's own, which is what the database has."""
        name, _path, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.get_internal_type()}", args, kwargs

    def from_db_value(self, value: str | None, *_args: Any) -> Sentence | None:
        return None if value is None else Verbatim(value)

    def to_python(self, value: Any) -> Any:
        return Verbatim(value) if isinstance(value, str) else value

    def get_default(self) -> Sentence:
        return NOTHING

    def get_prep_value(self, value: Any) -> Any:
        return value.english if isinstance(value, Sentence) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        sentence: Sentence = getattr(model_instance, self.attname)
        return sentence.english


class WordingField(models.JSONField):
    """What the sentence beside it is made of; empty for one that is plain text, such as those of older rows."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        sentence: Sentence = getattr(model_instance, "sentence", NOTHING)
        stored = sentence.stored()
        setattr(model_instance, self.attname, stored)
        return stored


def kept(sentence: Sentence) -> dict[str, Any]:
    """The columns of a sentence, for rows that are written by an update and not by saving them."""
    return {"sentence": sentence, "wording": sentence.stored()}


class Worded(models.Model):
    """`sentence` is English in the database: unique, searchable, and part of what is approved."""

    wording = WordingField(default=dict, editable=False)

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().from_db(*args, **kwargs)
        if made.__dict__.get("wording") and "sentence" in made.__dict__:
            made.sentence = Sentence.read(made.wording)  # type: ignore[attr-defined]
        return made
