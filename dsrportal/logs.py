"""One line an event, and nothing about anybody in it."""

import logging
import traceback
from types import TracebackType
from typing import Any

type_of_exc_info = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class OneLine(logging.Formatter):
    """`2026-11-22T16:00:00Z WARNING name: message [Error at file:line]`.

    An exception's text may quote what a person typed or a row's values (PostgreSQL's DETAIL does), so of an exception
    only its classes and places are written.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None
        line = super().format(record)
        return line.replace("\r", " ").replace("\n", " ")

    def formatException(self, ei: type_of_exc_info) -> str:  # noqa: N802
        return f"[{describe(ei[1])}]"

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return ""


def describe(error: BaseException | None) -> str:
    """An exception as its class and the last places it came through, its causes after it; never its text."""
    parts: list[str] = []
    while error is not None and len(parts) < 4:
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        places = " < ".join(f"{_short(frame.filename)}:{frame.lineno}" for frame in reversed(frames))
        kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
        parts.append(f"{kind} at {places}" if places else kind)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "; after ".join(parts)


def _short(filename: str) -> str:
    return "/".join(filename.replace("\\", "/").split("/")[-2:])


class RouteInsteadOfPath(logging.Filter):
    """Django's request log names the path, which may hold a callback's token; the route says as much to us."""

    def filter(self, record: logging.LogRecord) -> bool:
        request: Any = getattr(record, "request", None)
        status = getattr(record, "status_code", None)
        if status is not None and hasattr(request, "resolver_match"):
            match = request.resolver_match
            route = f"/{match.route}" if match is not None else "no such page"
            record.msg, record.args = "%s %s: %s", (request.method, route, status)
        elif status is not None or record.name.startswith("django.security"):
            record.msg, record.args = "refused: %s", (record.name.rpartition(".")[2],)
        return True
