"""The contract that every kind of processor fulfils.

A connector is made for one Processor, talks to it through `integrations.http`, takes and returns the
values of `integrations.types` and raises only `integrations.errors`. It never opens a transaction and
never knows a case. What a kind cannot do it leaves as it is here: its capabilities say so, and nobody calls it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from enum import StrEnum
from typing import BinaryIO, ClassVar, NoReturn
from uuid import UUID

from dsrportal.sentence import NOTHING, Sentence
from integrations.account import Account
from integrations.errors import Unsupported
from integrations.types import (
    Budget,
    CallbackContent,
    ConnectionCheck,
    Draft,
    Identity,
    Inquiry,
    Match,
    Option,
    PackageSummary,
    Report,
    ResultStream,
    Secret,
    Submission,
    VerifiedCallback,
    Workspace,
)

# The API that requests are sent to. A kind with several keeps a budget for each, by a name of its own.
REQUESTS = "requests"


class Capability(StrEnum):
    ACCESS = "access"
    PORTABILITY = "portability"
    ERASURE = "erasure"
    OPT_OUT = "opt_out"
    CORRECTION = "correction"
    CANCEL = "cancel"
    # Where a request stands can be asked for, one by one, or many at once.
    REPORTS = "reports"
    GROUPS = "groups"
    RESULTS = "results"
    CALLBACKS = "callbacks"
    # Whether it knows a person can be asked: before a request, and to confirm an erasure afterwards.
    SEARCH = "search"
    WORKSPACES = "workspaces"
    # A person does it and attests.
    BY_HAND = "by_hand"


class Connector:
    kind: ClassVar[str]
    label: ClassVar[Sentence]
    capabilities: ClassVar[frozenset[Capability]]
    # One sentence on what it is for, where a kind is chosen.
    description: ClassVar[Sentence] = NOTHING
    # How people call the account: its label and a hint.
    account_label: ClassVar[Sentence] = Sentence("Account")
    account_help: ClassVar[Sentence] = NOTHING
    # The vendor's own API address; "" where each account has another.
    default_base_url: ClassVar[str] = ""
    # The domain that its callbacks name; "" where each account has another.
    default_domain: ClassVar[str] = ""
    secrets: ClassVar[tuple[Secret, ...]] = ()
    options: ClassVar[tuple[Option, ...]] = ()
    # Whether an account has a production and a development environment to choose from.
    has_environments: ClassVar[bool] = False
    # The secrets and options without which `list_workspaces` cannot be asked.
    connects_with: ClassVar[tuple[str, ...]] = ()
    # How many requests one group takes, so that one call reports on all of them; 0 without groups.
    group_size: ClassVar[int] = 0
    # How many report intervals lie between two questions about a request: more where each costs and little happens.
    report_pace: ClassVar[int] = 1

    def __init__(self, processor: Account) -> None:
        self.processor = processor

    @property
    def on_demand(self) -> bool:
        """Whether it is left out of plans until somebody asks for it."""
        return False

    # --- before a request is one

    def cannot(self, draft: Draft) -> Sentence | None:
        """Why this account cannot serve such a draft at all, and is skipped, in a sentence; None where it can."""
        return None

    def check(self, draft: Draft) -> list[Sentence]:
        """Sentences on what must be put right in a draft that this account serves; empty when all is well."""
        return []

    def warn(self, draft: Draft) -> list[Sentence]:
        """Sentences on what an approver should know of a draft that can be sent as it is."""
        return []

    def split(self, draft: Draft) -> list[tuple[Identity, ...]]:
        """The identities as this processor can take them: one tuple a request, in the order given.

        What it has no use for is left out.
        """
        return [draft.identities]

    def search(self, identities: Sequence[Identity]) -> Match:
        """Whether a person of these identities is known there now. Creates nothing."""
        self._cannot_be_called()

    # --- the request

    def submit(self, request: Submission) -> Report:
        """Send it. Raises AlreadyExists for an id the processor has, Conflict for another like it.

        A kind that has no word for the request itself says with the report what it amounts to.
        """
        self._cannot_be_called()

    def repeats_safely(self, request_type: str) -> bool:
        """Whether a request of unknown outcome is simply submitted again, instead of asked for first."""
        return False

    def counts_as_new(self, request_type: str) -> bool:
        """Whether sending one takes from the windows of new requests of its budget."""
        return True

    def report(self, inquiry: Inquiry) -> Report:
        """Ask for one request. Raises UnknownRequest."""
        self._cannot_be_called()

    def report_group(self, group_id: str) -> list[Report]:
        """Ask for all requests of a group in one call; an unknown group is an empty list."""
        self._cannot_be_called()

    def cancel(self, request_id: UUID) -> None:
        """Ask to cancel. Raises TooLate, UnknownRequest. Success is only that it was asked."""
        self._cannot_be_called()

    # --- results

    def fetch_result(
        self, inquiry: Inquiry, url: str, *, limit_bytes: int
    ) -> AbstractContextManager[ResultStream]:
        """Open the result. Raises NothingFound, Expired, TooLarge (while reading), Rejected (foreign URL)."""
        self._cannot_be_called()

    def summarise(self, package: BinaryIO, *, submitted: Sequence[Identity]) -> PackageSummary:
        """What a stored result holds; `package` can be sought in. Raises nothing for what is in it: see `doubt`."""
        return PackageSummary()

    def redact(
        self, package: BinaryIO, *, members: frozenset[str], fields: frozenset[str]
    ) -> Iterator[bytes]:
        """The package anew, without these of its files and without these fields. Raises UnexpectedAnswer."""
        self._cannot_be_called()

    # --- callbacks

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> VerifiedCallback:
        """Bytes in, verdict out. Header names in lower case. Raises NotVerified, CertificateUnavailable."""
        self._cannot_be_called()

    def read_callback(self, body: bytes) -> CallbackContent:
        """What a callback says that was verified when it came in."""
        self._cannot_be_called()

    # --- the account

    def test_connection(self) -> list[ConnectionCheck]:
        """Try each credential on its own API. Raises nothing: a failure is a check that does not work."""
        self._cannot_be_called()

    def list_workspaces(self) -> list[Workspace]:
        """The accounts to choose from."""
        self._cannot_be_called()

    def budget(self, api: str = REQUESTS) -> Budget:
        """What one of its APIs allows."""
        self._cannot_be_called()

    def longest(self, request_type: str, *, skip_waiting_period: bool) -> timedelta:
        """The longest that the vendor says a request takes, from its receipt to its completion."""
        self._cannot_be_called()

    def _cannot_be_called(self) -> NoReturn:
        raise Unsupported(Sentence("%(kind)s does not support this call.", kind=self.label))
