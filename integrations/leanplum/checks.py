"""Trying each of the three keys by itself, on a call that needs it, about a user who cannot exist."""

from collections.abc import Callable
from typing import Final

from dsrportal.sentence import Sentence, Word
from integrations.account import Account
from integrations.errors import IntegrationError, Rejected, Unauthorized
from integrations.leanplum import drafts
from integrations.leanplum.client import DEVELOPMENT, EXPORT, PRODUCTION, Client
from integrations.types import ConnectionCheck, IdentityType

# Always the same, because lookups are billed per user.
NOBODY: Final = "dsr-portal-connection-test-6b0c2a7e-nobody"


def all_of(processor: Account) -> list[ConnectionCheck]:
    """Nobody is erased, changed or created by it. It shows that the keys are taken, not what else they open."""
    client = Client(processor)
    return [
        _key(Sentence("Development key"), DEVELOPMENT, lambda: client.delete(NOBODY)),
        _key(Sentence("Production key"), PRODUCTION, lambda: client.set_attributes(NOBODY, {})),
        _key(Sentence("Data Export key"), EXPORT, lambda: client.export(NOBODY)),
        _options(processor),
    ]


def _key(name: Sentence, key_field: str, call: Callable[[], object]) -> ConnectionCheck:
    try:
        call()
    except Unauthorized as error:
        return ConnectionCheck(name, works=False, sentence=error.sentence, key_field=key_field)
    except IntegrationError as error:
        # Skipped with a word on the call, not on the key.
        if not (isinstance(error, Rejected) and error.http_status == 200):
            sentence = Sentence(
                "The %(name)s could not be tested. %(sentence)s",
                name=Word(name),
                sentence=error.sentence,
            )
            return ConnectionCheck(name, works=False, sentence=sentence, key_field=key_field)
    return ConnectionCheck(
        name,
        works=True,
        sentence=Sentence("Leanplum accepts the %(name)s.", name=Word(name)),
        key_field=key_field,
    )


def _options(processor: Account) -> ConnectionCheck:
    wanted, unreadable = drafts.user_id_type(processor), drafts.unreadable_lines(processor)
    if not wanted:
        return ConnectionCheck(
            Sentence("Options"),
            False,
            Sentence("Choose the identifier that is the Leanplum user ID."),
            "user_id_type",
        )
    if unreadable:
        sentence = Sentence(
            "%(count)s of the attribute lines cannot be read. Write each like “email = email_address”.",
            count=unreadable,
        )
        return ConnectionCheck(Sentence("Options"), False, sentence, "attributes")
    return ConnectionCheck(
        Sentence("Options"),
        True,
        Sentence("Users are identified there by %(type)s.", type=IdentityType(wanted).label),
    )
