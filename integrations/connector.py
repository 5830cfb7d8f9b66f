"""The contract that every kind of processor fulfils.

A connector is made for one Processor, talks to it through `integrations.http`, takes and returns the
values of `integrations.types` and raises only `integrations.errors`. It never opens a transaction and
never knows a case.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol
from uuid import UUID

from integrations.types import (
    Budget,
    CallbackContent,
    ConnectionCheck,
    Draft,
    Identity,
    OutgoingRequest,
    Report,
    ResultStream,
    VerifiedCallback,
)

if TYPE_CHECKING:
    from integrations.models import Processor


class Capability(StrEnum):
    ACCESS = "access"
    PORTABILITY = "portability"
    ERASURE = "erasure"
    OPT_OUT = "opt_out"
    CORRECTION = "correction"
    CANCEL = "cancel"
    GROUPS = "groups"
    RESULTS = "results"
    CALLBACKS = "callbacks"


class Connector(Protocol):
    kind: ClassVar[str]
    label: ClassVar[str]
    capabilities: ClassVar[frozenset[Capability]]
    # Names of the credentials a Processor of this kind holds, in the order a form shows them.
    credential_fields: ClassVar[tuple[str, ...]]
    # How many requests one group takes, so that one call reports on all of them; 0 without groups.
    group_size: ClassVar[int]

    def __init__(self, processor: "Processor") -> None: ...

    def check(self, draft: Draft) -> list[str]:
        """Sentences on what no request to this processor can hold; empty when all is well."""
        ...

    def split(self, draft: Draft) -> list[tuple[Identity, ...]]:
        """The identities as this processor can take them: one tuple a request, in the order given."""
        ...

    def submit(self, request: OutgoingRequest) -> Report:
        """Send it. Raises AlreadyExists for an id the processor has, Conflict for another like it."""
        ...

    def report(self, request_id: UUID) -> Report:
        """Ask for one id. Raises UnknownRequest."""
        ...

    def report_group(self, group_id: str) -> list[Report]:
        """Ask for all requests of a group in one call; an unknown group is an empty list."""
        ...

    def cancel(self, request_id: UUID) -> None:
        """Ask to cancel. Raises TooLate, UnknownRequest. Success is only that it was asked."""
        ...

    def fetch_result(self, url: str, *, limit_bytes: int) -> AbstractContextManager[ResultStream]:
        """Open the result. Raises NothingFound, Expired, TooLarge (while reading), Rejected (foreign URL)."""
        ...

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> VerifiedCallback:
        """Bytes in, verdict out. Header names in lower case. Raises NotVerified, CertificateUnavailable."""
        ...

    def read_callback(self, body: bytes) -> CallbackContent:
        """What a callback says that was verified when it came in."""
        ...

    def test_connection(self) -> list[ConnectionCheck]:
        """Try each credential on its own API. Raises nothing: a failure is a check that does not work."""
        ...

    def budget(self) -> Budget:
        """What the API that requests are sent to allows."""
        ...

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        """The longest that the vendor says a request takes, from its receipt to its completion."""
        ...
