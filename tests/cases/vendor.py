"""A vendor of our own: signs with keys made in the test, serves its certificate, and calls back in any way at all.

    with open_gate(tmp_path) as gate:
        request = gate.request()
        answer = gate.post(gate.body(request, "completed"))

A gate is a live portal with data that stays for a whole module, because the web process remembers keys and
processors: it stands beside the fixtures of pytest-django, which empty the database after each test.
"""

import base64
import hashlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from cases.models import AuditEvent, CallbackDelivery, Case, ProcessorRequest
from dsrportal.models import DataKey
from dsrportal.queueing import store
from integrations.models import Processor
from tests import builders, pristine
from tests.authority import Authority, Issued
from tests.live import LivePortal, live_portal

DOMAIN = "opendsr.mparticle.com"
Sign = Callable[[bytes], str | None]


class Vendor:
    """Discovery and certificates over HTTPS: `served` maps a first path segment to the bundle given there."""

    def __init__(self) -> None:
        self.authority = Authority("Vendor")
        self.leaf = self.authority.leaf(DOMAIN)
        self.served: dict[str, bytes] = {}
        self.named: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        context = self.authority.server_context("localhost")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def processor(self, name: str, *, leaf: Issued | None = None, **more: object) -> Processor:
        """A processor of this vendor's; its certificate is `leaf`'s, or what is put into `served` later."""
        if leaf is not None:
            self.served[name] = self.authority.bundle(leaf)
        fields: dict[str, object] = {
            "name": name,
            "account": f"account-{name}",
            "base_url": f"{self.url}/{name}/v3",
            "extra_tls_roots": self.authority.root_pem,
            "extra_signing_roots": self.authority.root_pem,
        }
        return builders.processor(**(fields | more))  # type: ignore[arg-type]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.split("/")[1]
                body = vendor.served.get(name, b"")
                if self.path.endswith("/discovery"):
                    address = vendor.named.get(name, f"{vendor.url}/{name}/certificate.pem")
                    body = json.dumps({"processor_certificate": address}).encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def signature(body: bytes, signer: Issued) -> str:
    return base64.b64encode(signer.sign(body)).decode()


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Gate:
    """A live portal, this vendor, and two processors of it: `processor` and a `second` of another workspace."""

    def __init__(self, portal: LivePortal, vendor: Vendor) -> None:
        self.portal = portal
        self.vendor = vendor
        self.processor = vendor.processor("first", leaf=vendor.leaf)
        self.second = vendor.processor("second", leaf=vendor.leaf)

    def case(self, **more: object) -> Case:
        """An approved case; one request to each of the two processors."""
        return builders.approved_case(**more)  # type: ignore[arg-type]

    def request(self, *, to: Processor | None = None, **more: Any) -> ProcessorRequest:
        case = self.case(**more)
        return ProcessorRequest.objects.select_related("case").get(case=case, processor=to or self.processor)

    def answered_but(self, **more: Any) -> ProcessorRequest:
        """A request of a case in which the second processor has answered already."""
        request = self.request(**more)
        other = ProcessorRequest.objects.get(case=request.case, processor=self.second)
        assert self.post(self.body(other, "completed"), to=self.second).status == 202
        return request

    def body(self, request: ProcessorRequest | str, status: str = "completed", **changes: Any) -> bytes:
        """As mParticle writes them: no `api_version`, but `status_callback_url`. `...` leaves a field out."""
        processor = (
            self.second if getattr(request, "processor_id", None) == self.second.pk else self.processor
        )
        content: dict[str, Any] = {
            "controller_id": processor.account,
            "expected_completion_time": "2027-01-09T00:00:00Z",
            "status_callback_url": self.portal.url + processor.callback_path,
            "subject_request_id": str(getattr(request, "pk", request)),
            "request_status": status,
            "results_url": None,
            "extensions": None,
            **changes,
        }
        return json.dumps({name: value for name, value in content.items() if value is not ...}).encode()

    def post(
        self,
        body: bytes,
        *,
        to: Processor | None = None,
        path: str = "",
        method: str = "POST",
        sign: Sign | None = None,
        headers: Mapping[str, str | None] | None = None,
        chunked: bool = False,
    ) -> Answered:
        """One call over real HTTP, signed unless `sign` says otherwise; a header of None is left out."""
        processor = to or self.processor
        signed = signature(body, self.vendor.leaf) if sign is None else sign(body)
        sent: dict[str, str | None] = {
            "Content-Type": "application/json",
            "X-OpenDSR-Processor-Domain": processor.domain,
            "X-OpenDSR-Signature": signed,
        }
        for name, value in (headers or {}).items():
            sent = {known: old for known, old in sent.items() if known.lower() != name.lower()} | {
                name: value
            }
        return call(self.portal, method, path or processor.callback_path, body, sent, chunked=chunked)


def call(
    portal: LivePortal,
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str | None],
    *,
    chunked: bool = False,
) -> Answered:
    """One request and its answer; nothing is followed, and header names go out as they are written."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        connection.putheader(
            *(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body))))
        )
        connection.endheaders()
        try:
            for piece in _pieces(body) if chunked else [body]:
                connection.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was read: the answer is there all the same
        response = connection.getresponse()
        return Answered(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 8192):
        piece = body[start : start + 8192]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def exchange(portal: LivePortal, raw: bytes) -> int:
    """Bytes to the portal as they are; the status it answers with, 0 where it just closes."""
    with socket.create_connection(("127.0.0.1", portal.port), timeout=30) as plain:
        plain.sendall(raw)
        line = plain.makefile("rb").readline().split()
    return int(line[1]) if len(line) > 1 else 0


@contextmanager
def open_gate(blocker: DjangoDbBlocker, log_dir: Path) -> Iterator[Gate]:
    """For fixtures of a module: the database is emptied at the end of it, not of each test."""
    with blocker.unblock():
        vendor = Vendor()
        try:
            with live_portal(log_dir) as portal:
                gate = Gate(portal, vendor)
                # The certificate is fetched and the evidence key made before anything is measured.
                assert gate.post(gate.body("00000000-0000-4000-8000-000000000000")).status == 202
                yield gate
        finally:
            vendor.close()
            connection.close()
            pristine.restore(connection.settings_dict["NAME"])
            DataKey.forget_shared()


def snapshot(*, without: tuple[str, ...] = ()) -> dict[str, tuple[int, str]]:
    """Rows and digest of every table, to show that nothing changed. Certificates are not counted: a wrong
    signature may have the same one fetched again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for table in tables:
            if table in ("integrations_signingcertificate", *without):
                continue
            cursor.execute(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
            found[table] = cursor.fetchone()
    return found


def refusals() -> dict[str, int]:
    """How many callbacks were refused, by reason."""
    keys: Any = store().keys("*:refused:*")
    counts: list[Any] = [store().get(key) for key in keys]
    return {key.decode().rpartition(":")[2]: int(count) for key, count in zip(keys, counts, strict=True)}


def statuses(case: Case) -> tuple[str, list[str]]:
    """The case's status, and those of its requests in order."""
    requests = ProcessorRequest.objects.filter(case=case).order_by("position")
    return Case.objects.get(pk=case.pk).status, list(requests.values_list("status", flat=True))


def delivery_of(body: bytes) -> CallbackDelivery:
    """What was kept of these bytes."""
    return CallbackDelivery.objects.select_related("data_key", "processor", "processor_request").get(
        body_sha256=hashlib.sha256(body).hexdigest()
    )


def status_events(request: ProcessorRequest) -> list[str]:
    """The statuses of a request that the trail tells of, in order."""
    events = AuditEvent.objects.filter(case=request.case, details__request=str(request.pk)).order_by(
        "sequence"
    )
    return [event.details["to"] for event in events if "to" in event.details]
