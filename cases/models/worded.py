"""Rows that keep a sentence, which each reader sees in their own language."""

from typing import Any, Self

from django.db import models

from dsrportal.wording import Wording


class WordingField(models.JSONField):
    """What the sentence beside it is made of; empty for one that is plain text, such as those of older rows."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        sentence = getattr(model_instance, "sentence", "")
        stored = sentence.stored() if isinstance(sentence, Wording) else {}
        setattr(model_instance, self.attname, stored)
        return stored


def kept(sentence: str) -> dict[str, Any]:
    """The columns of a sentence, for rows that are written by an update and not by saving them."""
    return {"sentence": sentence, "wording": sentence.stored() if isinstance(sentence, Wording) else {}}


class Worded(models.Model):
    """`sentence` is English in the database: unique, searchable, and part of what is approved."""

    wording = WordingField(default=dict, editable=False)

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().from_db(*args, **kwargs)
        if made.__dict__.get("wording") and "sentence" in made.__dict__:
            made.sentence = Wording.read(made.wording)  # type: ignore[attr-defined]
        return made
