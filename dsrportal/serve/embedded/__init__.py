"""PostgreSQL and Valkey of our own, for when none is configured. A leaf: knows no Django and no app.

Both listen on Unix sockets in a private directory only, never on a TCP port, so nothing else on the machine can
collide with them. Where they listen follows from the user and the data directory, so a second terminal finds them.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from dsrportal.serve.embedded.errors import AlreadyRunning, CannotStart
from dsrportal.serve.embedded.places import (
    Addresses,
    Lock,
    addresses,
    default_data_dir,
    make_data_dir,
    prepare,
    private_top,
)
from dsrportal.serve.embedded.postgres import Postgres
from dsrportal.serve.embedded.valkey import Valkey

__all__ = [
    "Addresses",
    "AlreadyRunning",
    "CannotStart",
    "Lock",
    "Servers",
    "addresses",
    "default_data_dir",
    "make_data_dir",
    "private_top",
]


class Servers:
    """Both servers over one data directory, started and stopped together.

    Either can be left out, when one of somebody else's is configured. `durable=False` gives up surviving a power cut
    for speed: for tests.
    """

    def __init__(
        self, data_dir: Path, *, durable: bool = True, postgres: bool = True, valkey: bool = True
    ) -> None:
        self.data_dir = data_dir
        self.addresses = addresses(data_dir)
        self._servers: list[Postgres | Valkey] = []
        if valkey:
            self._servers.append(Valkey(self.addresses, durable=durable))
        if postgres:
            self._servers.append(Postgres(self.addresses, durable=durable))
        self._lock = Lock(data_dir / "servers.lock")

    def start(self) -> None:
        """Return when both answer. Raises `CannotStart` or `AlreadyRunning`, each with one sentence to show."""
        prepare(self.addresses)
        self._lock.take()
        try:
            for server in self._servers:
                server.spawn()
            for server in self._servers:
                server.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast and orderly; safe to call twice."""
        for server in self._servers:
            server.stop()
        if self._lock.held:
            shutil.rmtree(self.addresses.sockets, ignore_errors=True)
        self._lock.release()

    def on_end(self, call: Callable[[str], None]) -> None:
        """Have `call` called, in a thread, with the name of a server that ends."""
        for server in self._servers:
            server.on_end = partial(call, server.name)

    def revive(self) -> None:
        """Start again what has ended by itself."""
        for server in self._servers:
            if server.ended():
                server.forget()
                server.spawn()
                server.wait_ready()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
