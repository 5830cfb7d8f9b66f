"""The supervised portal, as `manage.py portal` starts it, on servers and in a directory of its own."""

import base64
import os
import re
import secrets
import signal
import sys
import threading
from pathlib import Path

from dsrportal.serve.processes import Pump, end, spawn
from tests.faults import processes

_REPOSITORY = Path(__file__).resolve().parent.parent.parent
_READY = re.compile(r"DSR Portal +(http://[\d.:]+)/")
READY_SECONDS = 90


class PortalFailed(RuntimeError):
    """It did not start, or ended by itself."""


def own_environment(directory: Path, *, report_interval_seconds: int) -> None:
    """What this process and the portal read their settings from: nothing of the developer's, nor of the suite's."""
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PORTAL_BASE_URL", "PORTAL_PORT"):
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "dsrportal.settings",
        "PORTAL_ENV_FILE": os.devnull,
        "PORTAL_DATA_DIR": str(directory),
        "PORTAL_MASTER_KEYS": "faults1:" + base64.b64encode(os.urandom(32)).decode(),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PORTAL_WORKERS": "2",
        "REPORT_INTERVAL_SECONDS": str(report_interval_seconds),
        "PYTHONUNBUFFERED": "1",
    }


class Portal:
    """`start` comes back when it answers. What it says itself is in `portal.log`, its processes' words in `logs`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.restarts = 0
        self._ready = threading.Event()

    def start(self, port: int) -> None:
        """From the main thread: the portal ends with the thread that started it."""
        self._process = spawn(
            [sys.executable, "manage.py", "portal", "--port", str(port)],
            when_parent_dies=signal.SIGTERM,
            cwd=_REPOSITORY,
            stdout=-1,
            stderr=-2,
        )
        assert self._process.stdout is not None
        self._pump = Pump(self._process.stdout, self.directory / "portal.log", self._listen)
        threading.Thread(target=self._await_end, daemon=True).start()
        self._ready.wait(READY_SECONDS)
        if not self.url:
            raise PortalFailed("The portal did not start: " + " / ".join(list(self._pump.tail)[-5:]))

    def _listen(self, line: str) -> None:
        if found := _READY.search(line):
            self.url = found.group(1)
            self._ready.set()
        elif line.endswith("; starting it again") and not line.startswith(("PostgreSQL", "Valkey")):
            self.restarts += 1

    def _await_end(self) -> None:
        self._process.wait()
        self._ready.set()

    def alive(self) -> bool:
        return self._process.poll() is None

    def last_words(self) -> str:
        return " / ".join(list(self._pump.tail)[-5:])

    def worker(self, queue: str) -> int | None:
        """The id of a process that works the queue; the one of several that has a job, where one has."""
        found = processes.children(self._process.pid, f"manage.py worker {queue}")
        busy = [pid for pid in found if processes.children(pid)]
        return next(iter(busy or found), None)

    def horse(self, queue: str) -> int | None:
        """The id of the process in which a worker of the queue runs a job at this moment."""
        for worker in processes.children(self._process.pid, f"manage.py worker {queue}"):
            for horse in processes.children(worker):
                return horse
        return None

    def database(self) -> int:
        return int((self.directory / "postgres" / "postmaster.pid").read_text().split()[0])

    def server_errors(self) -> list[str]:
        """Lines of the web server's log that no answer of ours may leave."""
        logs = sorted((self.directory / "logs").glob("web.log*"))
        lines = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
        return [line for line in lines if "Internal Server Error" in line]

    def stop(self) -> None:
        end(self._process, (signal.SIGTERM, 60))
        self._pump.join()
