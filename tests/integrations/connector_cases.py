"""What every kind of processor must get right, told once: a kind describes its calls, and gets all cases for it.

A kind's description is `DESCRIBED` in `described.py` of its folder of tests. It says how to make a processor that
points at a server, and of each call what a good answer is; the cases are in `test_connector_cases.py` and
`test_connector_shapes.py`.
"""

import base64
import json
import logging
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from integrations import budget
from integrations.connector import Capability, Connector
from integrations.errors import IntegrationError
from integrations.models import Processor
from integrations.registry import KINDS, connector_class, connector_for
from integrations.types import Budget, Correction, Draft, Identity, Inquiry, Limit, Submission
from tests.integrations.odd_server import OddServer, Reply, answer, hang_up, only

REQUEST_ID = UUID("a7551968-d5d6-44b2-9831-815ac9017798")
# Nobody writes these by chance: found in a log, they came from a request.
CUSTOMER = Identity("controller_customer_id", "cust-canary-1815")
EMAIL = Identity("email", "ada.canary@example.org")
NEW_EMAIL = "new.canary@example.org"
MPID = Identity("mpid", "8151815181518151815")
PERSON = (CUSTOMER, EMAIL)

# No case waits for a budget: it has tests of its own.
PLENTY = Budget(calls=Limit(100_000, 60))

_HTML = b"<!doctype html><html><body>ada.canary@example.org: it works!</body></html>"
# Bodies with status 200 that no JSON protocol means.
GARBAGE: tuple[bytes, ...] = (
    b"",
    _HTML,
    b'{"cut": "sh',
    b"\xff\xfe\x00",
    b"null",
    b"42",
    b'"ok"',
    b"[]",
    b"{}",
    b'{"a": 1, "a": 2}',
)
REFUSED = (answer(401), answer(401, _HTML), answer(403, b'{"message": "ada.canary@example.org may not"}'))


def json_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


def as_json(document: object, status: int = 200) -> bytes:
    return answer(status, json_bytes(document), {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Step:
    """One HTTP request of a call: the good answer, and answers that refuse the key, or that cannot be understood."""

    good: Reply
    refused: tuple[bytes, ...] = REFUSED
    garbage: tuple[bytes, ...] = GARBAGE


@dataclass(frozen=True)
class Call:
    """One call of a kind. `shows` reduces what it gives to what is compared with `good`.

    `unknown` is an answer to its last step with a word that nobody knows, and what it must be shown as: a value as of
    `good`, or the class of the error.
    """

    name: str
    capability: Capability
    make: Callable[[Connector], Any]
    steps: tuple[Step, ...]
    shows: Callable[[Any], object]
    good: object
    options: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[bytes, object] | None = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Described:
    """`fields` are the processor's at an address. `in_addresses` are values that the vendor wants in the URL."""

    kind: str
    fields: Callable[[str], dict[str, Any]]
    calls: tuple[Call, ...] = ()
    in_addresses: tuple[str, ...] = ()
    forget: Callable[[], None] = lambda: None

    def processor(
        self, url: str, *, root_pem: str = "", options: Mapping[str, str] | None = None
    ) -> Processor:
        fields, number = self.fields(url), Processor.objects.count()
        made = Processor.objects.create(
            kind=self.kind,
            name=f"Shop {number}",
            credentials={secret.name: canary(secret.name) for secret in connector_class(self.kind).secrets},
            extra_tls_roots=root_pem,
            extra_signing_roots=root_pem,
            account=f"430{number}",
            **{
                **fields,
                "options": {**fields.get("options", {}), **(options or {})},
            },
        )
        self.forget()
        budget.rebuild(made, [])  # it never sent anything
        return made


def canary(secret: str) -> str:
    return f"{secret}-canary"


def request(request_type: str, *identities: Identity, **more: Any) -> Submission:
    return Submission(
        request_id=REQUEST_ID,
        request_type=request_type,
        regulation="ccpa",
        submitted_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        identities=identities or PERSON,
        **{"group_id": "case-7", "callback_url": "https://portal.example/opendsr/callbacks/k3yR", **more},
    )


def draft(request_type: str, *identities: Identity) -> Draft:
    corrections = (correction(),) if request_type == "correction" else ()
    return Draft(request_type, "ccpa", identities, corrections=corrections)


def correction() -> Correction:
    return Correction(EMAIL.type, EMAIL.value, NEW_EMAIL)


def inquiry(request_type: str, *identities: Identity) -> Inquiry:
    sent_at = datetime(2026, 3, 1, 9, 31, tzinfo=UTC)
    return Inquiry(REQUEST_ID, request_type, sent_at, lambda: identities or PERSON)


def fetched(connector: Connector, url: str, *, limit_bytes: int = 1_000_000) -> bytes:
    with connector.fetch_result(inquiry("access"), url, limit_bytes=limit_bytes) as result:
        return b"".join(result.chunks)


def descriptions() -> dict[str, Described]:
    """Of every kind there is; one without a description is an ImportError."""
    return {kind: import_module(f"tests.integrations.{kind}.described").DESCRIBED for kind in KINDS}


# --- what a connection can do to a call


def silence(connection: ssl.SSLSocket) -> bool:
    """No answer, until the other side gives up."""
    connection.recv(1)
    return False


def stall(connection: ssl.SSLSocket) -> bool:
    """Half an answer, and then nothing more."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"response": [')
    return silence(connection)


def reset(connection: ssl.SSLSocket) -> bool:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return False


BROKEN: tuple[Reply, ...] = (hang_up, reset, only(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))
CUT_SHORT = only(b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{"a"')


# --- one call against the odd server


@dataclass
class Trial:
    """A described call at one of its steps, with a connector of its own."""

    described: Described
    call: Call
    step: int
    odd: OddServer
    caplog: pytest.LogCaptureFixture
    connector: Connector = field(init=False)

    def __post_init__(self) -> None:
        self.caplog.set_level(logging.DEBUG)
        self.renew()

    def renew(self) -> None:
        """Another processor, of which nothing is remembered: no connection, no pause after a 429."""
        self.connector = connector_for(
            self.described.processor(
                self.odd.url, root_pem=self.odd.authority.root_pem, options=self.call.options
            )
        )

    def answered(self, *replies: Reply) -> Any:
        """What the call gives when its steps before this one succeed, and then these are said."""
        self.odd.replies.clear()
        self.odd.replies.extend([*(step.good for step in self.call.steps[: self.step]), *replies])
        self.described.forget()
        return self.call.make(self.connector)

    def fails(self, reply: Reply) -> IntegrationError:
        """The error that this answer makes of the call; nothing of it may tell who it was about."""
        with pytest.raises(IntegrationError) as failure:
            self.answered(reply)
        assert not self.odd.replies
        self.is_silent(failure.value)
        return failure.value

    def succeeds(self) -> object:
        shown = self.call.shows(self.answered(*(step.good for step in self.call.steps[self.step :])))
        assert not self.odd.replies
        return shown

    def is_silent(self, *said: object) -> None:
        """No identity and no secret in these, in what led to them, in the log, or in an address."""
        texts = [
            record.getMessage() + str(record.exc_text) + repr(record.args) for record in self.caplog.records
        ]
        for each in said:
            while isinstance(each, BaseException):
                texts += [str(each), repr(each), repr(vars(each))]
                each = each.__cause__ or each.__context__
            texts.append(repr(each))
        leaks = [word for word in self._told() if any(word in text for text in texts)]
        assert leaks == []
        lines = [request.split(b"\r\n")[0].decode() for request in self.odd.requests]
        in_lines = [word for word in self._told() if any(word in line for line in lines)]
        assert [word for word in in_lines if word not in self.described.in_addresses] == []

    def _told(self) -> Iterable[str]:
        yield from (CUSTOMER.value, EMAIL.value, NEW_EMAIL, MPID.value)
        yield base64.b64encode(EMAIL.value.encode()).decode()
        secrets = [str(value) for value in self.connector.processor.credentials.values()]
        yield from secrets
        for name, secret in pairwise(secrets):
            yield base64.b64encode(f"{name}:{secret}".encode()).decode()
