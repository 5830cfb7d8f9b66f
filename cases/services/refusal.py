"""Saying no: a sentence for a person, and nothing changed."""

from typing import Final

from dsrportal.sentence import Sentence, paragraph

CHANGED: Final = Sentence("This changed in the meantime. Review it and try again.")


class Refused(Exception):
    """A rule forbids it. `sentences` name the rule and hold no personal data."""

    def __init__(self, *sentences: Sentence) -> None:
        # As text, in the language of whoever looks.
        super().__init__(paragraph(sentences))
        self.sentences = sentences


class Superseded(Refused):
    """Someone else, or a word from outside, was faster. A normal answer: look again."""

    def __init__(self, sentence: Sentence = CHANGED) -> None:
        super().__init__(sentence)
