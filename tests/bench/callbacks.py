"""Callbacks per second of the real endpoint, beside the bare view on the same server."""

import json
import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connection
from django.utils import timezone

from cases.lifecycle import RequestStatus
from cases.models import AuditEvent, CallbackDelivery, ProcessorRequest, Verdict
from dsrportal.grants import as_owner, grant
from integrations.models import Processor, SigningCertificate
from integrations.opendsr.certificates import verify_bundle
from tests import builders
from tests.authority import Authority, Issued
from tests.bench import bare, seed
from tests.bench.load import Landed, Volley, fire, post
from tests.live import free_port

_REPOSITORY = Path(__file__).resolve().parent.parent.parent

CONNECTIONS = 8
DOMAIN = "opendsr.mparticle.com"


class Target:
    """The web server, a processor whose callbacks it trusts, and the key they are signed with."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        authority = Authority("Bench")
        self.leaf: Issued = authority.leaf(DOMAIN)
        self.processor: Processor = builders.processor(
            name=bare.SENDER, account="4302", extra_signing_roots=authority.root_pem
        )
        self._keep_certificate(authority)
        self.key_file = directory / "public.pem"
        self.key_file.write_bytes(
            self.leaf.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        with as_owner():
            with connection.schema_editor() as editor:
                for table in bare.TABLES:
                    editor.create_model(table)
            grant("portal")

    def _keep_certificate(self, authority: Authority) -> None:
        """As if it had been fetched: the first callback of a process finds it in the database."""
        key = verify_bundle(
            authority.bundle(self.leaf),
            domain=DOMAIN,
            extra_signing_roots=authority.root_pem,
            at=timezone.now(),
        )
        SigningCertificate.objects.create(
            sha256=key.sha256,
            domain=key.domain,
            pem=key.pem.decode(),
            not_before=key.not_before,
            not_after=key.not_after,
        )

    @contextmanager
    def served(self) -> Iterator[None]:
        """As the portal serves: two granian workers of two threads each."""
        command = "granian --interface wsgi tests.bench.application:application --host 127.0.0.1 --no-ws"
        options = f"--port {self.port} --workers 2 --blocking-threads 2"
        server = subprocess.Popen(
            [sys.executable, "-m", *command.split(), *options.split()],
            cwd=_REPOSITORY,
            env={**os.environ, bare.KEY_FILE: str(self.key_file)},
            stdout=(self.directory / "web.log").open("ab"),
            stderr=subprocess.STDOUT,
        )
        try:
            self._await_answer(server)
            yield
        finally:
            server.terminate()
            server.wait(15)

    def _await_answer(self, server: "subprocess.Popen[bytes]") -> None:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                if server.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError((self.directory / "web.log").read_text()[-2000:])

    def volleys(self, count: int) -> tuple[list[bytes], list[bytes]]:
        """`count` signed callbacks to the endpoint, and the same to the bare view; each moves a request of its own."""
        requests = seed.requests(self.processor, count, status=RequestStatus.PENDING)
        now = timezone.now()
        bare.BareRequest.objects.bulk_create(
            bare.BareRequest(
                id=request.pk, status="pending", status_changed_at=now, reported_status="pending"
            )
            for request in requests
        )
        ours, theirs = [], []
        for request in requests:
            body = self._body(request)
            headers = {
                "Content-Type": "application/json",
                "X-OpenDSR-Processor-Domain": DOMAIN,
                "X-OpenDSR-Signature": b64encode(self.leaf.sign(body)).decode(),
            }
            ours.append(post(self.processor.callback_path, body, headers))
            theirs.append(post(f"/{bare.PATH}", body, headers))
        return ours, theirs

    def _body(self, request: ProcessorRequest) -> bytes:
        """The fields of the callback recorded in June 2025, some 310 bytes with an address of ours."""
        document = {
            "controller_id": self.processor.account,
            "expected_completion_time": "2026-12-09T00:00:00Z",
            "status_callback_url": f"https://dsr.example{self.processor.callback_path}",
            "subject_request_id": str(request.pk),
            "request_status": "in_progress",
            "results_url": None,
            "extensions": None,
        }
        return json.dumps(document, separators=(",", ":")).encode()

    def fire(self, posts: list[bytes]) -> Landed:
        landed = fire(Volley(port=self.port, connections=CONNECTIONS, posts=posts))
        if landed.statuses != {"202": len(posts)}:
            raise RuntimeError(f"Not every callback was taken: {landed.statuses}.")
        return landed


def verify(count: int) -> None:
    """A fast answer that did nothing would not count."""
    done = {
        "requests moved": ProcessorRequest.objects.filter(status=RequestStatus.IN_PROGRESS).count(),
        "deliveries applied": CallbackDelivery.objects.filter(verdict=Verdict.APPLIED).count(),
        "events": AuditEvent.objects.filter(action="request.status_changed", source="callback").count(),
        "bare requests moved": bare.BareRequest.objects.filter(status="in_progress").count(),
        "bare events": bare.BareEvent.objects.count(),
    }
    if set(done.values()) != {count}:
        raise RuntimeError(f"Of {count} callbacks: {done}.")
