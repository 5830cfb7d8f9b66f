"""The web server that callbacks are fired at: the real endpoint and the bare view, on the same server."""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import Popen
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connection
from django.utils import timezone

from cases.actor import Source
from cases.lifecycle import RequestStatus
from cases.models import Action, AuditEvent, CallbackDelivery, ProcessorRequest, Verdict
from dsrportal.database.db_grants import as_owner, grant
from integrations.models import Processor, SigningCertificate
from integrations.opendsr.certificates import verify_bundle
from tests import builders
from tests.authority import Authority, Issued
from tests.bench import bare, seed
from tests.bench.children import running
from tests.bench.load import Landed, Volley, fire, post
from tests.live import free_port

DOMAIN = "opendsr.mparticle.com"


@dataclass(frozen=True)
class Volleys:
    """The same callbacks twice: for the endpoint and for the bare view. `keys` are the requests they move."""

    keys: list[UUID]
    ours: list[bytes]
    bare: list[bytes]


@cache
def at(directory: Path) -> Target:
    """The one target of a run."""
    return Target(directory)


class Target:
    """The web server, a processor whose callbacks it trusts, and the key they are signed with."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "web.log"
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
        program = [sys.executable, "-m", *command.split(), *options.split()]
        env = {**os.environ, bare.KEY_FILE: str(self.key_file)}
        with running(program, log=self.log, env=env) as (server,):
            self._await_answer(server)
            yield

    def _await_answer(self, server: Popen[bytes]) -> None:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                if server.poll() is not None:
                    break
                time.sleep(0.05)
        raise RuntimeError(self.log.read_text()[-2000:])

    def volleys(self, count: int, *, repeats: int = 0) -> Volleys:
        """`count` signed callbacks to the endpoint, and the same to the bare view; each moves a request of its own.

        With repeats, so many of them come a second time, and all of them out of order.
        """
        requests = seed.requests(self.processor, count, status=RequestStatus.PENDING)
        now = timezone.now()
        bare.BareRequest.objects.bulk_create(
            bare.BareRequest(
                id=request.pk, status="pending", status_changed_at=now, reported_status="pending"
            )
            for request in requests
        )
        again = [*requests, *requests[:repeats]]
        if repeats:
            random.Random(repeats).shuffle(again)
        signed = [(body, self._headers(body)) for body in map(self._body, again)]
        return Volleys(
            keys=[request.pk for request in requests],
            ours=[post(self.processor.callback_path, body, headers) for body, headers in signed],
            bare=[post(f"/{bare.PATH}", body, headers) for body, headers in signed],
        )

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-OpenDSR-Processor-Domain": DOMAIN,
            "X-OpenDSR-Signature": b64encode(self.leaf.sign(body)).decode(),
        }

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

    def fire(self, posts: list[bytes], *, connections: int) -> Landed:
        return fire(Volley(port=self.port, connections=connections, posts=posts))

    def applied_once(self, keys: Collection[UUID]) -> int:
        """How many of these requests were moved by exactly one delivery, with exactly one event."""
        moved = ProcessorRequest.objects.filter(pk__in=keys, status=RequestStatus.IN_PROGRESS)
        deliveries = CallbackDelivery.objects.filter(
            processor_request__in=keys, verdict=Verdict.APPLIED
        ).values_list("processor_request", flat=True)
        events = AuditEvent.objects.filter(
            case__requests__in=keys, action=Action.REQUEST_STATUS_CHANGED, source=Source.CALLBACK
        ).values_list("case__requests", flat=True)
        applied, noted = Counter(deliveries), Counter(events)
        return sum(applied[key] == noted[key] == 1 for key in moved.values_list("pk", flat=True))
