"""Accounts of the sandbox. Published on purpose: these open nothing but a pretend vendor on this machine."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass

DEFAULT_WORKSPACES = (
    "4302:sandbox-workspace-key:sandbox-workspace-secret",
    "4303:sandbox-second-key:sandbox-second-secret",
)
DEFAULT_INPUTS = (
    "4302:sandbox-input-key:sandbox-input-secret",
    "4303:sandbox-second-input-key:sandbox-second-input-secret",
)
DEFAULT_OAUTH = "sandbox-client:sandbox-client-secret:1001"
DEFAULT_APPS = (
    "app_sandbox:sandbox-app-development:sandbox-app-production:sandbox-app-export",
    "app_sandbox_second:sandbox-second-development:sandbox-second-production:sandbox-second-export",
)


@dataclass(frozen=True)
class Workspace:
    """The key is the workspace's own (OpenDSR), the input key that of a platform (IDSync, Events)."""

    id: str
    key: str
    secret: str
    input_key: str
    input_secret: str


@dataclass(frozen=True)
class Client:
    """An API credential of the whole account (Platform API)."""

    client_id: str
    client_secret: str
    account_id: str


@dataclass(frozen=True)
class App:
    """One Leanplum app and a key of each class."""

    app_id: str
    development_key: str
    production_key: str
    export_key: str


@dataclass(frozen=True)
class Accounts:
    workspaces: Sequence[Workspace]
    client: Client
    apps: Sequence[App]

    def as_dict(self) -> dict[str, object]:
        """As the ready line tells them."""
        return {
            "workspaces": [asdict(workspace) for workspace in self.workspaces],
            "oauth": asdict(self.client),
            "leanplum": [asdict(app) for app in self.apps],
        }


def accounts(
    *, workspaces: Sequence[str], inputs: Sequence[str], oauth: str, apps: Sequence[str]
) -> Accounts:
    """From the command line. A workspace without an input key is given one made of its own."""
    pairs = {}
    for text in inputs:
        identifier, key, secret = text.split(":", 2)
        pairs[identifier] = (key, secret)
    made = []
    for text in workspaces:
        identifier, key, secret = text.split(":", 2)
        input_key, input_secret = pairs.get(identifier, (f"{key}-input", f"{secret}-input"))
        made.append(
            Workspace(id=identifier, key=key, secret=secret, input_key=input_key, input_secret=input_secret)
        )
    client_id, client_secret, account_id = oauth.split(":", 2)
    return Accounts(
        workspaces=made,
        client=Client(client_id=client_id, client_secret=client_secret, account_id=account_id),
        apps=[App(*text.split(":", 3)) for text in apps],
    )


def basic_token(key: str, secret: str) -> str:
    return base64.b64encode(f"{key}:{secret}".encode()).decode()


def sent_token(headers: dict[str, str]) -> str | None:
    """What stands behind `Basic`, if anything does."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "basic" else None
