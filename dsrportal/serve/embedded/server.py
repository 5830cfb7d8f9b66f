"""A server process: start it, wait until it reports that it is ready, stop it."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from dsrportal.serve.embedded.errors import CannotStart
from dsrportal.serve.embedded.places import account
from dsrportal.serve.processes import Pump, end, spawn, wait_for_end

BARE_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_SERVERS = ("postgres", "valkey", "redis")
READY_SECONDS = 60  # a database that was cut off replays its log first


class Server:
    """One server process. Its output goes to a log file; the line that says it is ready is an event."""

    name = ""
    ready_words = ""
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._pump: Pump | None = None
        self._heard = threading.Event()
        self._ready = False
        self.on_end: Callable[[], None] | None = None

    def _run(self, command: Sequence[str | Path], *, log: Path, cwd: Path) -> None:
        self.process = spawn(
            command,
            when_parent_dies=self.stop_signal,
            account=account(),
            cwd=cwd,
            # Nothing of ours is the server's business: our environment holds the keys.
            env=BARE_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None

        def on_line(line: str) -> None:
            if self.ready_words in line:
                self._ready = True
                self._heard.set()

        self._pump = Pump(self.process.stdout, log, on_line)
        threading.Thread(target=self._await_end, args=(self.process,), daemon=True).start()

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._heard.set()
        if self.on_end is not None:
            self.on_end()

    def wait_ready(self) -> None:
        """Return when the server reports that it is ready. Raises CannotStart with its last lines if it ends first."""
        assert self.process is not None
        assert self._pump is not None
        self._heard.wait(READY_SECONDS)
        if not self._ready:
            self._pump.join(1)
            last = " / ".join(list(self._pump.tail)[-3:]) or "it said nothing"
            raise CannotStart(f"{self.name} did not start: {last}")

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        if self.process is None:
            return
        end(self.process, (self.stop_signal, 15), (signal.SIGQUIT, 5))
        if self._pump is not None:
            self._pump.join()
        self.forget()

    def forget(self) -> None:
        """Ready to be started anew."""
        self.process = None
        self._heard = threading.Event()
        self._ready = False


def end_orphan(pid_file: Path, directory: Path, sig: signal.Signals) -> None:
    """Clear what a killed portal left behind: a server still winding down, or the file of one that has gone.

    Only called under the data directory's lock, so whatever runs there has lost its portal. A process id alone proves
    nothing (ids are used again): it counts only when that process works in our directory.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        pass
    else:
        if _works_in(pid, directory):
            _end(pid, (sig, 15.0), (signal.SIGKILL, 5.0))
        pid_file.unlink(missing_ok=True)
    # The children of a server that was killed itself: each of PostgreSQL's finishes the statement it is at, and until
    # then no new server starts beside it.
    for entry in Path("/proc").glob("[0-9]*"):
        stray = int(entry.name)
        if _works_in(stray, directory) and _program(stray).startswith(_SERVERS):
            _end(stray, (signal.SIGKILL, 5.0))


def _works_in(pid: int, directory: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
    except OSError:
        return False


def _program(pid: int) -> str:
    """The name of its program: somebody's shell may stand in our directory too."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def _end(pid: int, *signals: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn to a process that is not our child, and wait that many seconds for its end."""
    for signal_to_send, seconds in signals:
        try:
            os.kill(pid, signal_to_send)
        except ProcessLookupError:
            return
        if wait_for_end(pid, seconds):
            return
