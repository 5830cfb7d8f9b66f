"""`python -m tests.bench.load`: posts prepared requests over connections kept open, and says how long each took.

A process of its own and plain sockets, so that it takes as little as it can from what it measures. It reads a
pickled `Volley` from its standard input and writes JSON: the seconds of the whole, of each request, the statuses.
"""

import json
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

_REPOSITORY = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Volley:
    port: int
    connections: int
    # Whole HTTP requests, head and body, as they go out.
    posts: list[bytes]


@dataclass(frozen=True)
class Landed:
    """How a volley went. Seconds and milliseconds."""

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
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        cwd=_REPOSITORY,
        input=pickle.dumps(volley),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
    )
    return Landed(**json.loads(ran.stdout))


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _send(volley: Volley) -> Landed:
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    at_the_line = threading.Barrier(volley.connections + 1)

    def lane(posts: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", volley.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            at_the_line.wait()
            for data in posts:
                began = time.perf_counter()
                connection.sendall(data)
                answer = b""
                # Every answer of both views has an empty body: the head is all there is.
                while not answer.endswith(b"\r\n\r\n"):
                    piece = connection.recv(4096)
                    if not piece:
                        raise ConnectionError("The server closed a connection.")
                    answer += piece
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
    return Landed(seconds=time.perf_counter() - began, latencies=latencies, statuses=dict(statuses))


if __name__ == "__main__":
    landed = _send(pickle.loads(sys.stdin.buffer.read()))
    json.dump(
        {"seconds": landed.seconds, "latencies": landed.latencies, "statuses": landed.statuses}, sys.stdout
    )
