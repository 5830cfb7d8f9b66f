"""The cases that every kind of processor passes, for each of its calls and at each HTTP request of it."""

from typing import Any

import pytest
import requests

from integrations.connections import ProcessorAdapter
from integrations.connector import REQUESTS, Capability
from integrations.errors import (
    IntegrationError,
    NotSent,
    RateLimited,
    Rejected,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
)
from integrations.registry import KINDS, connector_class
from tests.integrations import connector_cases as cases
from tests.integrations.connector_cases import Trial
from tests.integrations.odd_server import OddServer, Reply, answer

ALL = cases.descriptions()
EVERY_CALL = [
    pytest.param(described, call, id=f"{kind}-{call}")
    for kind, described in ALL.items()
    for call in described.calls
]
EVERY_STEP = [
    pytest.param(described, call, step, id=f"{kind}-{call}-{step}")
    for kind, described in ALL.items()
    for call in described.calls
    for step in range(len(call.steps))
]

WITH_WORDS = [f"{kind}-{call}" for kind, described in ALL.items() for call in described.calls if call.unknown]

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(
    odd: OddServer,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Trial:
    described, call, *step = request.param
    kind = connector_class(described.kind)
    monkeypatch.setattr(kind, "budget", lambda self, api=REQUESTS: cases.PLENTY)
    return Trial(described, call, step[0] if step else 0, odd, caplog)


each_call = pytest.mark.parametrize(
    "trial", [pytest.param(each.values, id=each.id) for each in EVERY_CALL], indirect=True
)
each_step = pytest.mark.parametrize(
    "trial", [pytest.param(each.values, id=each.id) for each in EVERY_STEP], indirect=True
)


@pytest.mark.parametrize("kind", KINDS)
def test_each_call_that_a_kind_can_make_is_described(kind: str) -> None:
    described = ALL[kind]
    assert described.kind == kind
    can = set(connector_class(kind).capabilities)
    # Callbacks come in, and what people do by hand is no call.
    calls = set() if Capability.BY_HAND in can else can - {Capability.CALLBACKS}
    assert {call.capability for call in described.calls} == calls


@each_call
def test_a_good_answer_is_understood(trial: Trial) -> None:
    assert trial.succeeds() == trial.call.good
    assert len(trial.odd.requests) == len(trial.call.steps)
    trial.is_silent()


@each_step
def test_refused_credentials_name_the_key_to_look_at(trial: Trial) -> None:
    for reply in trial.call.steps[trial.step].refused:
        trial.renew()
        error = trial.fails(reply)
        assert isinstance(error, Unauthorized), reply
        assert error.key_field in {secret.name for secret in trial.connector.secrets}
        assert not error.retryable
        assert error.outcome_known


@each_step
def test_a_429_is_waited_for_as_long_as_it_says(trial: Trial) -> None:
    for headers, seconds in (({"Retry-After": "7"}, 7.0), ({}, None)):
        trial.renew()
        error = trial.fails(answer(429, b"ada.canary@example.org: too many", headers))
        assert isinstance(error, RateLimited)
        assert error.retry_after_seconds == seconds
        assert error.scope != "portal"
        assert error.retryable


@each_step
def test_an_error_of_the_server_is_tried_again(trial: Trial) -> None:
    for status in (500, 502, 503, 504):
        trial.renew()
        error = trial.fails(answer(status, b"<html>ada.canary@example.org: oh</html>"))
        assert isinstance(error, UnexpectedAnswer)
        assert error.http_status == status
        assert (error.retryable, error.outcome_known) == (True, False)
    trial.renew()
    trial.step = 0
    assert trial.succeeds() == trial.call.good  # and then it works


@each_step
def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = ProcessorAdapter.send

    def impatient(
        self: ProcessorAdapter, prepared: requests.PreparedRequest, **how: Any
    ) -> requests.Response:
        return send(self, prepared, **{**how, "timeout": (5, 0.2)})

    monkeypatch.setattr(ProcessorAdapter, "send", impatient)
    late: tuple[Reply, ...] = (
        (cases.silence, cases.stall) if trial.call.steps[trial.step].garbage else (cases.silence,)
    )
    for reply in late:
        trial.renew()
        error = trial.fails(reply)
        assert isinstance(error, Unreachable)
        assert (error.retryable, error.outcome_known) == (True, False)


@each_step
def test_a_connection_that_breaks_leaves_the_outcome_unknown(trial: Trial) -> None:
    for reply in cases.BROKEN:
        trial.renew()
        error = trial.fails(reply)
        assert isinstance(error, Unreachable), reply
        assert (error.retryable, error.outcome_known) == (True, False)


@each_step
def test_an_answer_that_cannot_be_read_is_tried_again(trial: Trial) -> None:
    garbage: list[Reply] = [answer(200, body) for body in trial.call.steps[trial.step].garbage]
    for reply in (*garbage, cases.CUT_SHORT):
        trial.renew()
        error = trial.fails(reply)
        assert isinstance(error, UnexpectedAnswer), reply
        assert (error.retryable, error.outcome_known) == (True, False)


@each_step
def test_a_redirect_is_not_followed(trial: Trial) -> None:
    for status in (301, 302, 307, 308):
        trial.renew()
        error = trial.fails(answer(status, b"", {"Location": "https://elsewhere.example/"}))
        assert isinstance(error, UnexpectedAnswer | Rejected)


@each_step
def test_no_status_is_a_crash_and_no_refusal_is_repeated_to_anybody(trial: Trial) -> None:
    """Envelopes in the shapes of several vendors, all of which repeat what was sent."""
    told = "ada.canary@example.org, cust-canary-1815: no. Bearer workspace_secret-canary"
    bodies = [
        cases.json_bytes(document)
        for document in (
            {"message": told, "error": {"message": told, "errors": [{"message": told}]}},
            {"Errors": [{"code": told, "message": told}], "ErrorCode": told},
            {"response": [{"success": False, "error": {"message": told}}]},
            {"error": told, "error_description": told},
            [told],
        )
    ]
    for number, status in enumerate(
        (400, 402, 404, 405, 408, 409, 410, 413, 415, 418, 422, 451, 499, 204, 206)
    ):
        trial.renew()
        body = b"" if status == 204 else bodies[number % len(bodies)]
        trial.odd.replies.clear()
        try:
            # What follows is for calls that go on after such an answer, as after “not found”.
            trial.answered(answer(status, body), *[answer(status, body)] * 3)
        except IntegrationError as error:
            trial.is_silent(error)
        else:
            trial.is_silent()


@pytest.mark.parametrize(
    "trial",
    [pytest.param(each.values, id=each.id) for each in EVERY_CALL if str(each.id) in WITH_WORDS],
    indirect=True,
)
def test_a_word_that_nobody_knows_is_kept_and_not_guessed(trial: Trial) -> None:
    assert trial.call.unknown is not None
    reply, expected = trial.call.unknown
    trial.step = len(trial.call.steps) - 1
    if isinstance(expected, type):
        assert type(trial.fails(reply)) is expected
    else:
        assert trial.call.shows(trial.answered(reply)) == expected
        trial.is_silent()


@each_call
def test_nothing_leaves_where_nobody_listens(trial: Trial) -> None:
    nowhere = trial.described.processor("https://localhost:1", options=trial.call.options)
    with pytest.raises(NotSent) as failure:
        trial.call.make(type(trial.connector)(nowhere))
    assert failure.value.retryable
    assert failure.value.outcome_known
    trial.is_silent(failure.value)
