"""An account as connectors know it: its settings and credentials, and nothing that could be stored."""

import uuid
from collections.abc import Mapping
from typing import Any, Protocol


class Account(Protocol):
    """The part of a Processor that speaking to it takes."""

    @property
    def pk(self) -> uuid.UUID: ...

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def environment(self) -> str: ...

    @property
    def credentials(self) -> Mapping[str, Any]: ...

    @property
    def certificate_hosts(self) -> list[str]: ...

    @property
    def extra_tls_roots(self) -> str: ...

    @property
    def extra_signing_roots(self) -> str: ...

    @property
    def limits(self) -> str: ...

    @property
    def budget_share(self) -> int: ...

    @property
    def api_address(self) -> str:
        """Where its API is, without a slash at the end; "" for a kind that has none."""

    @property
    def domain(self) -> str:
        """The domain that its callbacks name, in lower case; "" for a kind that does not call back."""

    def option(self, name: str) -> str:
        """The text chosen, or what holds where nothing was. Raises KeyError for a name its kind does not have."""
