"""Signing callbacks and delivering them, over a few lanes that keep their connections open."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ipaddress
import queue
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from integrations.sandbox.authority import PROCESSOR_DOMAIN, Authority
from integrations.sandbox.clock import stated_now

_TIMEOUT_SECONDS = 10
_DROPPED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


@dataclass(slots=True)
class Delivery:
    """One POST to a callback URL and how it went."""

    url: str
    body: bytes
    sign: str
    certificate: str
    chunked: bool
    workspace: str = ""
    request_id: str = ""
    request_status: str = ""
    attempt: int = 1
    at: float = 0.0
    extra_headers: Mapping[str, str | None] = field(default_factory=dict)
    generation: int = 0
    sent_time: str = ""
    status: int | None = None
    error: str | None = None
    body_sha256: str = ""
    done: threading.Event = field(default_factory=threading.Event)
    on_done: Callable[[Delivery], None] | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def as_dict(self) -> dict[str, Any]:
        return {
            "workspace": self.workspace,
            "subject_request_id": self.request_id,
            "request_status": self.request_status,
            "url": self.url,
            "attempt": self.attempt,
            "at": self.at,
            "sent_time": self.sent_time,
            "status": self.status,
            "error": self.error,
            "body_sha256": self.body_sha256,
        }


class Courier:
    """Delivers in order per request: what concerns one request always takes the same lane."""

    def __init__(self, authority: Authority, *, lanes: int = 4) -> None:
        self._authority = authority
        self._waiting: list[queue.SimpleQueue[Delivery]] = [queue.SimpleQueue() for _ in range(lanes)]
        self._lock = threading.Lock()
        self._under_way: dict[int, Delivery] = {}

    def start(self) -> None:
        for number, lane in enumerate(self._waiting):
            threading.Thread(target=self._run, args=(lane,), name=f"callbacks-{number}", daemon=True).start()

    def post(self, delivery: Delivery) -> None:
        with self._lock:
            self._under_way[id(delivery)] = delivery
        lane = zlib.crc32(delivery.request_id.encode()) % len(self._waiting)
        self._waiting[lane].put(delivery)

    def under_way(self) -> list[Delivery]:
        with self._lock:
            return list(self._under_way.values())

    def _run(self, lane: queue.SimpleQueue[Delivery]) -> None:
        connections: dict[tuple[str, str], http.client.HTTPConnection] = {}
        while True:
            delivery = lane.get()
            try:
                self._deliver(delivery, connections)
            except Exception as error:  # a lane must outlive whatever a receiver does
                delivery.error = type(error).__name__
            if delivery.on_done is not None:
                delivery.on_done(delivery)
            with self._lock:
                self._under_way.pop(id(delivery), None)
            delivery.done.set()

    def _deliver(
        self, delivery: Delivery, connections: dict[tuple[str, str], http.client.HTTPConnection]
    ) -> None:
        body, headers = self._signed(delivery)
        delivery.body_sha256 = hashlib.sha256(body).hexdigest()
        delivery.sent_time = stated_now()
        parts = urlsplit(delivery.url)
        if not is_loopback(parts):
            delivery.error = "refused: the sandbox calls loopback addresses only"
            return
        place = (parts.scheme, parts.netloc)
        connection = connections.get(place)
        try:
            if connection is not None:
                try:
                    delivery.status = _send(connection, parts, body, headers, chunked=delivery.chunked)
                    return
                except _DROPPED:
                    # A kept connection that the receiver has closed meanwhile: once more on a fresh one.
                    connection.close()
            connection = connections[place] = _connect(parts)
            delivery.status = _send(connection, parts, body, headers, chunked=delivery.chunked)
        except (OSError, http.client.HTTPException) as error:
            delivery.error = type(error).__name__
            failed = connections.pop(place, None)
            if failed is not None:
                failed.close()

    def _signed(self, delivery: Delivery) -> tuple[bytes, dict[str, str]]:
        """RSASSA-PKCS1-v1_5 with SHA-256 over the raw body, standard base64 on one line."""
        body = delivery.body
        headers: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-OpenDSR-Processor-Domain": PROCESSOR_DOMAIN,
        }
        if delivery.sign != "missing":
            headers["X-OpenDSR-Signature"] = self.signature(
                body, sign=delivery.sign, kind=delivery.certificate
            )
        if delivery.sign == "tampered":
            # The same JSON in other bytes: only verification over the raw body notices.
            body = body.replace(b'":', b'": ', 1) if b'":' in body else body + b" "
        for name, value in delivery.extra_headers.items():
            for known in [known for known in headers if known.lower() == name.lower()]:
                del headers[known]
            headers[name] = value
        return body, {name: value for name, value in headers.items() if value is not None}

    def signature(self, body: bytes, *, sign: str = "good", kind: str = "good") -> str:
        key = self._authority.other_key if sign == "other_key" else self._authority.signer(kind).key
        scheme: padding.AsymmetricPadding = padding.PKCS1v15()
        if sign == "pss":
            scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
        return base64.b64encode(key.sign(body, scheme, hashes.SHA256())).decode()


def is_loopback(parts: SplitResult) -> bool:
    try:
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or (parts.port is not None and parts.port == 0):
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connect(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        # The portal under test has a certificate of its own making, and the target is this machine.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, parts.port, timeout=_TIMEOUT_SECONDS, context=context)
    return http.client.HTTPConnection(host, parts.port, timeout=_TIMEOUT_SECONDS)


def _send(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    body: bytes,
    headers: dict[str, str],
    *,
    chunked: bool,
) -> int:
    """One POST, without following redirects. A chunked body goes out in two chunks."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest("POST", target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if chunked:
        connection.putheader("Transfer-Encoding", "chunked")
        half = len(body) // 2
        pieces = [piece for piece in (body[:half], body[half:]) if piece]
        framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        connection.endheaders(framed)
    else:
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
    response = connection.getresponse()
    response.read()
    return response.status
