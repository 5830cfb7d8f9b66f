"""HTTP/1.1 over TLS: a thread per connection, connections kept open, one write per answer.

The standard library's `http.server` parses headers with the e-mail package, writes an answer in pieces and
cannot reset a connection on request; all three matter here.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from integrations.sandbox.messages import Answer, BadCall, Call

Handler = Callable[[Call], Answer]

_IDLE_SECONDS = 120
_HANDSHAKE_SECONDS = 10
_HEAD_LIMIT = 64 * 1024
_BODY_LIMIT = 8 * 1024 * 1024


class Server:
    """Binds 127.0.0.1 only."""

    def __init__(self, *, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._listener.getsockname()[1]

    def start(self, context: ssl.SSLContext, handle: Handler) -> None:
        threading.Thread(target=self._accept, args=(context, handle), name="accept", daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self, context: ssl.SSLContext, handle: Handler) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(connection, context, handle), daemon=True).start()


def _serve(connection: socket.socket, context: ssl.SSLContext, handle: Handler) -> None:
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(_HANDSHAKE_SECONDS)
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.settimeout(_IDLE_SECONDS)
            reader = _Reader(secure)
            while _exchange(secure, reader, handle):
                pass
    except (OSError, EOFError):
        pass
    finally:
        connection.close()


def _exchange(secure: ssl.SSLSocket, reader: _Reader, handle: Handler) -> bool:
    """One call and its answer; False when the connection is at its end."""
    try:
        call = reader.call()
    except BadCall as bad:
        secure.sendall(Answer(status=bad.status).encode(keep_alive=False))
        return False
    if call is None:
        return False
    began = time.perf_counter()
    answer = handle(call)
    milliseconds = (time.perf_counter() - began) * 1000
    sys.stderr.write(f"{call.method} {answer.route} {answer.status or 'reset'} {milliseconds:.1f} ms\n")
    if answer.wire == "reset":
        # Lingering for zero seconds turns the close into a TCP reset.
        secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    keep_alive = call.keep_alive and answer.wire == "whole"
    secure.sendall(answer.encode(keep_alive=keep_alive))
    return keep_alive


class _Reader:
    """Takes calls off a connection, one after the other."""

    def __init__(self, secure: ssl.SSLSocket) -> None:
        self._secure = secure
        self._buffer = b""

    def call(self) -> Call | None:
        """The next call; None when the other side has hung up between two calls."""
        head = self._until(b"\r\n\r\n", first=True)
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise BadCall(400, "request line")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip():
                raise BadCall(400, "header line")
            headers[name.lower()] = value.strip()
        target, _, query = parts[1].partition("?")
        keep_alive = parts[2] == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return Call(
            method=parts[0],
            target=parts[1],
            path=unquote(target),
            query=dict(parse_qsl(query)),
            headers=headers,
            body=self._body(headers),
            keep_alive=keep_alive,
        )

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self._secure.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise BadCall(400, "content length")
        if int(length) > _BODY_LIMIT:
            raise BadCall(413, "body too large")
        return self._exactly(int(length))

    def _chunks(self) -> bytes:
        body = b""
        while True:
            line = self._until(b"\r\n") or b""
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError:
                raise BadCall(400, "chunk size") from None
            if size < 0 or len(body) + size > _BODY_LIMIT:
                raise BadCall(413, "body too large")
            if size == 0:
                while self._until(b"\r\n"):
                    pass
                return body
            body += self._exactly(size)
            self._exactly(2)

    def _until(self, mark: bytes, *, first: bool = False) -> bytes | None:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _HEAD_LIMIT:
                raise BadCall(431, "head too large")
            if not self._more():
                if first and not self._buffer:
                    return None
                raise EOFError
        found, self._buffer = self._buffer[:end], self._buffer[end + len(mark) :]
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise EOFError
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> bool:
        piece = self._secure.recv(65536)
        self._buffer += piece
        return bool(piece)
