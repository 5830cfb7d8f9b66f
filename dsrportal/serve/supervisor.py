"""Starts the portal's processes, starts again what ends by itself, and stops everything in order."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from dsrportal.serve.processes import Pump, end, end_all, spawn

LONGEST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 60.0  # a process that lived so long starts again at once


@dataclass
class Service:
    """One process to keep alive."""

    name: str
    command: list[str]
    when_parent_dies: signal.Signals = signal.SIGKILL
    patience_seconds: float = 10  # between SIGTERM and SIGKILL
    on_line: Callable[[str], None] | None = None
    process: subprocess.Popen[bytes] | None = None
    pump: Pump | None = None
    ended: threading.Event = field(default_factory=threading.Event)
    started_at: float = 0
    pause_seconds: float = 0


class Supervisor:
    """Everything that starts a process is called from the main thread (see processes.die_with_parent)."""

    def __init__(
        self, *, cwd: Path, log_dir: Path, say: Callable[[str], None], echo: Callable[[str, str], None]
    ) -> None:
        self.services: list[Service] = []
        self._cwd = cwd
        self._log_dir = log_dir
        self._say = say
        self._echo = echo
        # SimpleQueue: a signal may arrive while the main thread reads from it.
        self._events: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._stopping = False

    def start(self, service: Service) -> Service:
        if service not in self.services:
            self.services.append(service)

        def on_line(line: str) -> None:
            self._echo(service.name, line)
            if service.on_line is not None:
                service.on_line(line)

        service.ended = threading.Event()
        service.started_at = time.monotonic()
        service.process = spawn(
            [sys.executable, *service.command],
            when_parent_dies=service.when_parent_dies,
            cwd=self._cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert service.process.stdout is not None
        service.pump = Pump(service.process.stdout, self._log_dir / f"{service.name}.log", on_line)
        threading.Thread(target=self._await_end, args=(service, service.process), daemon=True).start()
        return service

    def _await_end(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        service.ended.set()
        self.call_soon(lambda: self._restart(service, process))

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have the main thread call this; from any thread."""
        self._events.put(call)

    def run(self) -> None:
        """Keep everything alive, until `stop_soon` or an exception from a signal's handler."""
        while True:
            wait = None
            if self._due:
                self._due.sort(key=lambda item: item[0])
                wait = max(0.0, self._due[0][0] - time.monotonic())
            try:
                call = self._events.get(timeout=wait)
            except Empty:
                call = self._due.pop(0)[1]
            if call is None:
                return
            call()

    def stop_soon(self) -> None:
        self._events.put(None)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._due.append((time.monotonic() + seconds, call))

    def _restart(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        if self._stopping or service.process is not process:
            return
        end(process)  # what it had started itself goes with it
        if time.monotonic() - service.started_at > SETTLED_SECONDS:
            service.pause_seconds = 0
        wait, service.pause_seconds = (
            service.pause_seconds,
            min(LONGEST_PAUSE_SECONDS, 2 * service.pause_seconds + 0.5),
        )
        self._say(f"{service.name} ended ({describe_end(process.returncode)}); starting it again")
        self.later(wait, lambda: self._start_unless_stopping(service))

    def _start_unless_stopping(self, service: Service) -> None:
        if not self._stopping:
            self.start(service)

    def stop(self, *orders: Iterable[str]) -> None:
        """Stop the named services group by group, each group together: SIGTERM, patience, SIGKILL."""
        self._stopping = True
        for names in orders:
            group = [service for service in self.services if service.name in set(names) and service.process]
            patience = max((service.patience_seconds for service in group), default=0)
            end_all([service.process for service in group if service.process], patience)
            for service in group:
                if service.pump is not None:
                    service.pump.join(1)

    def kill(self) -> None:
        """For the impatient: a second Ctrl-C."""
        for service in self.services:
            if service.process is not None:
                service.process.kill()


def describe_end(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
