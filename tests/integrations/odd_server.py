"""A server that answers TLS with exactly the bytes it is given: for answers that no sandbox would give."""

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from tests.authority import Authority

# Bytes to send, or what to do with the connection; False from it ends the connection.
Reply = bytes | Callable[[ssl.SSLSocket], bool]


def answer(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def hang_up(_: ssl.SSLSocket) -> bool:
    """The request is read, and the connection closed without an answer."""
    return False


def only(raw: bytes, *, after_seconds: float = 0) -> Reply:
    """These bytes, and the connection closed."""

    def reply(connection: ssl.SSLSocket) -> bool:
        time.sleep(after_seconds)
        connection.sendall(raw)
        return False

    return reply


class OddServer:
    """`replies` are given one a request, in order, over all connections; `requests` are as they came."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.replies: deque[Reply] = deque()
        self.requests: list[bytes] = []
        self.connections = 0
        self._context = authority.server_context("localhost", "127.0.0.1")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    def close(self) -> None:
        # Shut down, never closed, from here: a thread that still reads would go on with whatever the process
        # opens next under the same number, a database connection for example.
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with self._listener:
            while True:
                try:
                    plain, _ = self._listener.accept()
                except OSError:
                    return
                self._open.append(plain)
                thread = threading.Thread(target=self._serve, args=(plain,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self._open.append(connection)
                self.connections += 1
                while request := _request(connection):
                    self.requests.append(request)
                    reply = self.replies.popleft()
                    if isinstance(reply, bytes):
                        connection.sendall(reply)
                    elif not reply(connection):
                        return
        except OSError:
            plain.close()


def _request(connection: ssl.SSLSocket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def odd_server() -> Iterator[OddServer]:
    server = OddServer(Authority())
    try:
        yield server
    finally:
        server.close()
