"""Trying a connection: one check for each credential, never an error."""

from collections.abc import Callable

from dsrportal.sentence import Sentence
from integrations.errors import IntegrationError, NotVerified, Unauthorized
from integrations.types import ConnectionCheck


def checked(name: Sentence, check: Callable[[], Sentence], *, key_field: str = "") -> ConnectionCheck:
    """What came of a check that gives a sentence or raises; `key_field` is what to look at where it did not work."""
    try:
        return ConnectionCheck(name=name, works=True, sentence=check(), key_field=key_field)
    except Unauthorized as error:
        return ConnectionCheck(name=name, works=False, sentence=error.sentence, key_field=error.key_field)
    except (IntegrationError, NotVerified) as error:
        return ConnectionCheck(name=name, works=False, sentence=error.sentence, key_field=key_field)


def not_set(name: Sentence, sentence: Sentence, *, key_field: str) -> ConnectionCheck:
    """A credential that is not stored: no failure, and the sentence says what cannot be done without it."""
    return ConnectionCheck(name=name, works=True, sentence=sentence, key_field=key_field, is_set=False)
