"""One HTTP call and one HTTP answer, as bytes in and bytes out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

Wire = Literal["whole", "reset", "truncated"]

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


class BadCall(Exception):
    """The bytes on the connection are no HTTP request; `status` says which answer closes it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True)
class Call:
    """A request as read from the wire. Header names are in lower case, the path carries no query.

    `target` is path and query as they stood in the request line: what is signed, where calls are signed.
    """

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    keep_alive: bool = True


@dataclass(slots=True)
class Answer:
    """What goes back. `wire` says whether the bytes leave whole, cut short, or as a TCP reset."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    wire: Wire = "whole"
    route: str = "(unknown path)"

    def encode(self, *, keep_alive: bool) -> bytes:
        """Head and body in one piece, so that one answer is one write."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        declared = len(self.body) + (64 if self.wire == "truncated" else 0)
        lines = [f"HTTP/1.1 {self.status} {phrase}"]
        if self.status != HTTPStatus.NO_CONTENT:
            if self.body:
                lines.append(f"Content-Type: {self.content_type}")
            lines.append(f"Content-Length: {declared}")
        lines.extend(f"{name}: {value}" for name, value in self.headers.items())
        lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def json_answer(status: int, value: object) -> Answer:
    return Answer(status=status, body=dump(value))
