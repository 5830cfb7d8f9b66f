"""`python -m tests.bench.load`: posts prepared requests over connections kept open, and says how long each took.

A process of its own and plain sockets, so that it takes as little as it can from what it measures. It reads a
pickled `Volley` from its standard input and writes JSON: the seconds of the whole, of each request, the statuses.
"""

import json
import pickle
import re
import socket
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from statistics import median, quantiles

from tests.bench.children import finished

ANSWER_SECONDS = 60
VOLLEY_SECONDS = 300


@dataclass(frozen=True)
class Volley:
    port: int
    connections: int
    # Whole HTTP requests, head and body, as they go out.
    posts: list[bytes]


@dataclass(frozen=True)
class Landed:
    """How a volley went. Seconds and milliseconds; of what was never answered there is neither latency nor status."""

    sent: int
    seconds: float
    latencies: list[float]
    statuses: dict[str, int]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def p50_ms(self) -> float:
        return median(self.latencies) * 1000

    @property
    def p95_ms(self) -> float:
        return quantiles(self.latencies, n=20)[-1] * 1000


def fire(volley: Volley) -> Landed:
    """Send it from a process of its own."""
    command = [sys.executable, "-m", "tests.bench.load"]
    return Landed(**json.loads(finished(command, given=pickle.dumps(volley), seconds=VOLLEY_SECONDS)))


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _send(volley: Volley) -> Landed:
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    at_the_line = threading.Barrier(volley.connections + 1)

    def lane(posts: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", volley.port), timeout=ANSWER_SECONDS) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            at_the_line.wait()
            for data in posts:
                began = time.perf_counter()
                connection.sendall(data)
                answer = _answer(connection)
                latencies.append(time.perf_counter() - began)
                statuses[answer[9:12].decode()] += 1

    lanes = [
        threading.Thread(target=lane, args=(volley.posts[number :: volley.connections],))
        for number in range(volley.connections)
    ]
    for each in lanes:
        each.start()
    at_the_line.wait()
    began = time.perf_counter()
    for each in lanes:
        each.join()
    seconds = time.perf_counter() - began
    return Landed(sent=len(volley.posts), seconds=seconds, latencies=latencies, statuses=dict(statuses))


def _answer(connection: socket.socket) -> bytes:
    """One answer, head and body. Both views answer 202 with an empty body; an error has one."""
    answer = b""
    while True:
        head, end, body = answer.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            return answer
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionError("The server closed a connection.")
        answer += piece


def _length(head: bytes) -> int:
    found = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    landed = _send(pickle.loads(sys.stdin.buffer.read()))
    json.dump(asdict(landed), sys.stdout)
