"""What Leanplum's answers amount to, one by one: 200 alone means nothing there."""

import json
from typing import Any

import pytest

from integrations.errors import IntegrationError, Rejected, Unauthorized, UnexpectedAnswer
from integrations.http import Answer
from integrations.leanplum import outcomes
from integrations.leanplum.outcomes import Word

SKIPPED = "User not found; request skipped."
KEY = "Invalid access key"


def answer(status: int, *replies: Any) -> Answer:
    return Answer(status, {}, json.dumps({"response": list(replies)}).encode())


def warning(message: object) -> dict[str, Any]:
    return {"success": True, "warning": {"message": message}}


def error(message: object, *, success: bool = True) -> dict[str, Any]:
    return {"success": success, "error": {"message": message}}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (answer(200, {"success": True}), Word.DONE),
        (answer(200, {"success": True, "warning": None, "error": None}), Word.DONE),
        (answer(200, {"success": True, "purring": 1}), Word.DONE),
        (answer(200, warning(SKIPPED)), Word.NOT_FOUND),
        (answer(200, warning("user not found")), Word.NOT_FOUND),
        (answer(200, {"success": True, "warning": SKIPPED}), Word.NOT_FOUND),
        (answer(451, error("The user is blocked.", success=False)), Word.BLOCKED),
        (Answer(451, {}, b""), Word.BLOCKED),
    ],
)
def test_what_is_an_outcome(given: Answer, word: Word) -> None:
    assert outcomes.read(given, key_field="export_key").word == word


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        # Something was skipped, or may have been: a human looks.
        (answer(200, warning("The request was received and skipped.")), Rejected),
        (answer(200, warning("")), Rejected),
        (answer(200, warning(None)), Rejected),
        (answer(200, warning(7)), Rejected),
        (answer(200, {"success": True, "warning": {}}), Rejected),
        (answer(200, {"success": True, "warning": ["purring"]}), Rejected),
        (answer(200, error("Something is wrong.")), Rejected),
        (answer(200, error("Something is wrong.", success=False)), Rejected),
        (answer(200, error(SKIPPED)), Rejected),
        (answer(200, {**error("Something is wrong."), **warning(SKIPPED)}), Rejected),
        # Not the protocol.
        (answer(200), UnexpectedAnswer),
        (answer(200, {"success": True}, {"success": True}), UnexpectedAnswer),
        (answer(200, {}), UnexpectedAnswer),
        (answer(200, {"success": False}), UnexpectedAnswer),
        (answer(200, {"success": 1}), UnexpectedAnswer),
        (answer(200, {"success": False, **{"warning": {"message": SKIPPED}}}), UnexpectedAnswer),
        (answer(200, None), UnexpectedAnswer),
        (answer(202, {"success": True}), UnexpectedAnswer),
        (Answer(204, {}, b""), UnexpectedAnswer),
        (Answer(200, {}, b"{}"), UnexpectedAnswer),
        (Answer(200, {}, b'{"response": {"success": true}}'), UnexpectedAnswer),
        (Answer(200, {}, b"<html>Service unavailable</html>"), UnexpectedAnswer),
        (answer(408, error("Too many development calls.", success=False)), UnexpectedAnswer),
        # The key.
        (answer(403, error(KEY, success=False)), Unauthorized),
        (answer(400, error(KEY, success=False)), Unauthorized),
        (answer(200, error(KEY)), Unauthorized),
        (answer(200, error(KEY, success=False)), Unauthorized),
        (Answer(401, {}, b""), Unauthorized),
        (Answer(403, {}, b"<html>"), Unauthorized),
        # Anything else that was not received.
        (answer(400, error("Missing required parameter: userId", success=False)), Rejected),
        (answer(400, error(SKIPPED, success=False)), Rejected),
        (answer(404, error("No such app.", success=False)), Rejected),
        (Answer(400, {}, b"<html>"), Rejected),
        (Answer(418, {}, b""), Rejected),
    ],
)
def test_what_is_an_error(given: Answer, kind: type[IntegrationError]) -> None:
    with pytest.raises(IntegrationError) as failure:
        outcomes.read(given, key_field="export_key")
    assert type(failure.value) is kind
    assert failure.value.http_status == given.status


@pytest.mark.parametrize("key_field", ["development_key", "production_key", "export_key"])
def test_a_refused_key_is_the_one_that_was_used(key_field: str) -> None:
    with pytest.raises(Unauthorized) as failure:
        outcomes.read(answer(403, error(KEY, success=False)), key_field=key_field)
    assert failure.value.key_field == key_field
    assert key_field.split("_")[0] in failure.value.sentence.english


def test_messages_are_not_repeated() -> None:
    for given in (
        answer(200, warning("c-881 is purple")),
        answer(200, error("c-881 is purple")),
        answer(400, error("c-881 is purple", success=False)),
        answer(403, error("c-881 is purple", success=False)),
    ):
        with pytest.raises(IntegrationError) as failure:
            outcomes.read(given, key_field="export_key")
        assert "c-881" not in repr(vars(failure.value)) + str(failure.value)
        assert failure.value.__context__ is None


def test_an_outcome_shows_nothing_of_the_reply() -> None:
    assert "c-881" not in repr(
        outcomes.read(answer(200, {"success": True, "userId": "c-881"}), key_field="export_key")
    )
