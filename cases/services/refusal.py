"""Saying no: a sentence for a person, and nothing changed."""

from dsrportal.wording import Wording, together


class Refused(Exception):
    """A rule forbids it. `sentences` name the rule and hold no personal data."""

    def __init__(self, *sentences: str) -> None:
        # As text, in the language of whoever looks.
        super().__init__(together(sentences))
        self.sentences = sentences


class Superseded(Refused):
    """Someone else, or a word from outside, was faster. A normal answer: look again."""

    def __init__(
        self, sentence: str = Wording("This has changed in the meantime. Look again and decide anew.")
    ) -> None:
        super().__init__(sentence)
