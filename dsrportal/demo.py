"""What `portal --demo` shows: three people, a pretend mParticle to send to, and cases that move.

Called by the command `portal` only, which starts the sandbox as a process of its own and hands over its address.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SandboxAddress:
    """Where the pretend mParticle answers: its address, the root its certificates hang from, its accounts."""

    url: str
    root_pem: str
    workspaces: list[dict[str, str]] = field(default_factory=list, repr=False)


@dataclass(frozen=True)
class Login:
    """One of the demo's people."""

    username: str
    password: str = field(repr=False)
    role: str


def prepare(sandbox: SandboxAddress, base_url: str) -> list[Login]:
    """Make, or bring up to date, the people, the processors that point at the sandbox and the first cases.

    Safe to repeat: the data directory is kept between runs, and the sandbox and the portal may have moved to other
    ports. `base_url` is where the sandbox reaches this portal with its callbacks.
    """
    return []


def follow(stop: threading.Event, write: Callable[[str], None]) -> None:
    """Write a line whenever a case moves, until told to stop. Runs in a thread of its own."""
    stop.wait()


def play_once(write: Callable[[str], None]) -> int:
    """Play one erasure and one access case from `intake` to `closed`, writing each step; 0, or 1 with the reason."""
    return 0
