"""Outcomes of Leanplum's answers: one table, and the one place that reads its messages.

200 alone means nothing there: with a warning the call was probably skipped, with an error it was skipped.
docs.leanplum.com, “Responses”
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dsrportal.sentence import Sentence
from dsrportal.strict_json import Malformed, read_object
from integrations.errors import IntegrationError, Rejected, Unauthorized, UnexpectedAnswer
from integrations.http import Answer


class Word(StrEnum):
    """What became of one call, in the words that are kept beside our own."""

    DONE = "success"
    NOT_FOUND = "user not found"
    BLOCKED = "user blocked"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reply` is what was answered about the one user asked for; personal data, where it is an export."""

    word: Word
    reply: Mapping[str, Any] = field(default_factory=dict, repr=False)


# The only texts that are matched. Leanplum numbers neither its warnings nor its errors: an unknown user is a warning
# like any other, and a wrong key an error like any other (the status may be 400, 401, 403, or 200). Messages may repeat
# what was sent: they are compared, and neither shown nor kept.
_NOT_FOUND = "user not found"
_WRONG_KEY = "invalid access key"

_KEYS = {
    "development_key": Sentence("development key"),
    "production_key": Sentence("production key"),
    "export_key": Sentence("data export key"),
}


def read(answer: Answer, *, key_field: str) -> Outcome:
    """The outcome of one call; `key_field` is the key it was made with. 429, 5xx and time-outs never come this far.

    Raises Unauthorized, Rejected and UnexpectedAnswer.
    """
    if answer.status == 451:
        # The user was blocked with `block`, which also erases: nothing more is taken or changed.
        return Outcome(Word.BLOCKED)
    reply = _only_reply(answer)
    error, warning = _message(reply, "error"), _message(reply, "warning")
    refused = 400 <= answer.status < 500
    if answer.status in (401, 403) or ((refused or error) and _WRONG_KEY in error):
        raise _unauthorized(key_field, answer.status)
    # 408 is a time-out like any other; the SDKs know it as a limit on development calls.
    if refused and answer.status != 408:
        raise _refused(answer.status)
    if answer.status != 200 or reply is None:
        raise _unexpected(answer)
    if error:
        raise Rejected(
            Sentence(
                "Leanplum accepted the call but then skipped it because of an error. Check the "
                "processor's options and this person there."
            ),
            http_status=200,
        )
    if reply.get("success") is not True:
        raise _unexpected(answer)
    if _NOT_FOUND in warning:
        return Outcome(Word.NOT_FOUND)
    if warning:
        raise Rejected(
            Sentence(
                "Leanplum responded with a warning, so it may have skipped the request. Look this "
                "person up there."
            ),
            http_status=200,
        )
    return Outcome(Word.DONE, reply)


def _only_reply(answer: Answer) -> Mapping[str, Any] | None:
    """What is said of the one action that was sent; None where the answer is not about exactly one."""
    try:
        replies = read_object(answer.body).get("response")
    except Malformed:
        return None
    if not isinstance(replies, list) or len(replies) != 1 or not isinstance(replies[0], dict):
        return None
    reply: Mapping[str, Any] = replies[0]
    return reply


def _message(reply: Mapping[str, Any] | None, name: str) -> str:
    """The message of a warning or an error, to be compared; "" where there is neither, a dash for one without words."""
    held = None if reply is None else reply.get(name)
    if held is None:
        return ""
    said = held.get("message") if isinstance(held, dict) else held
    return (said.strip().casefold() if isinstance(said, str) else "") or "-"


def _unauthorized(key_field: str, status: int) -> Unauthorized:
    return Unauthorized(
        Sentence(
            "Leanplum refused the %(key)s. Compare it and the App ID with App Settings, Keys & Settings.",
            key=_KEYS[key_field],
        ),
        key_field=key_field,
        http_status=status,
    )


def _refused(status: int) -> IntegrationError:
    if status == 404:
        return Rejected(Sentence("Leanplum does not know this app. Check the App ID."), http_status=status)
    return Rejected(
        Sentence("Leanplum refused the call as invalid (%(status)s).", status=status), http_status=status
    )


def _unexpected(answer: Answer) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        Sentence("The response of Leanplum does not show what became of the call."),
        http_status=answer.status,
        size=len(answer.body),
    )
