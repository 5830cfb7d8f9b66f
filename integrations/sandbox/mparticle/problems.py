"""The refusals of OpenDSR, in the envelopes they come in."""

from __future__ import annotations

from integrations.sandbox.messages import HTML_TYPE, Answer, json_answer
from integrations.sandbox.mparticle.meter import OverLimit


class Problem(Exception):
    """An answer that is an error; `code` is the HTTP status."""

    def __init__(self, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def in_envelope(problem: Problem, shape: str) -> Answer:
    """mParticle's envelope is flat; the OpenDSR specification (7.5 to 7.7) nests it under `error`."""
    envelope = {
        "code": problem.code,
        "message": problem.message,
        "errors": [
            {"domain": "Validation", "reason": "InvalidOperationException", "message": problem.message}
        ],
    }
    if shape == "empty":
        answer = Answer(status=problem.code)
    elif shape == "html":
        page = f"<!doctype html><title>{problem.code}</title><h1>{problem.code}</h1>"
        answer = Answer(status=problem.code, body=page.encode(), content_type=HTML_TYPE)
    else:
        answer = json_answer(problem.code, {"error": envelope} if shape == "nested" else envelope)
    answer.headers.update(problem.headers)
    return answer


def too_many(full: OverLimit) -> Problem:
    return Problem(
        429, "Too many requests.", Retry_After=str(full.wait_seconds), X_mp_rate_limit_exceeded=full.scope
    )
