"""Child processes that end with their parent, whichever way the parent ends. Knows no domain."""

import contextlib
import ctypes
import logging
import os
import pwd
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1

# Resolved before any fork: the child of a threaded process must not look up symbols.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(sig: signal.Signals, parent_pid: int) -> None:
    """Ask the kernel, in a child, for `sig` when the parent dies, even by kill -9. Linux only; elsewhere nothing.

    The kernel watches the *thread* that forked, so children are started from main threads only.
    """
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() != parent_pid:  # it died between fork and prctl
        os._exit(1)


def spawn(
    command: Sequence[str | Path],
    *,
    when_parent_dies: signal.Signals = signal.SIGKILL,
    account: pwd.struct_passwd | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stdout: int | IO[bytes] | None = subprocess.DEVNULL,
    stderr: int | IO[bytes] | None = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session (a Ctrl-C reaches only us, we stop the children in order)."""
    parent_pid = os.getpid()
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        env=env,
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        preexec_fn=lambda: die_with_parent(when_parent_dies, parent_pid),
    )


def end(process: subprocess.Popen[bytes], *signals: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait that many seconds for the end; SIGKILL to the whole group comes last."""
    for sig, seconds in signals:
        if process.poll() is not None:
            break
        process.send_signal(sig)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            continue
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # Also when the leader has gone: a member of its group may have stayed.
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_all(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """SIGTERM to all, then one patience for all together, then SIGKILL to every group."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        end(process)


class Pump:
    """Reads a child's output in a thread: each line goes into the log, then to `on_line`; the last ones are kept."""

    def __init__(
        self, stream: IO[bytes], log: Path, on_line: Callable[[str], None], *, keep: int = 20
    ) -> None:
        self.tail: deque[str] = deque(maxlen=keep)
        # Put aside as `.1` and `.2` when it has grown to 5 MB.
        self._log = RotatingFileHandler(log, maxBytes=5_000_000, backupCount=2, encoding="utf-8", delay=True)
        self._stream = stream
        self._on_line = on_line
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._stream, contextlib.closing(self._log):
            for raw in self._stream:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self._log.emit(logging.LogRecord("", logging.INFO, "", 0, line, None, None))
                self.tail.append(line)
                self._on_line(line)

    def join(self, timeout: float = 5) -> None:
        self._thread.join(timeout)


def wait_for_end(pid: int, seconds: float) -> bool:
    """Whether the process, not necessarily a child of ours, has ended within that many seconds."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)
    deadline = time.monotonic() + seconds  # systems without pidfd can only be asked again and again
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
