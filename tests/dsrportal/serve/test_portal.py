"""`manage.py portal` from outside: what it starts, what it says, and that it leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from dsrportal.serve.processes import wait_for_end

ROOT = Path(__file__).parents[3]
START_SECONDS = 90


class Portal:
    """One portal on a data directory of its own, with none of the suite's settings."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.data_dir = data_dir
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "portal", "--port", str(free_port()), *arguments],
            cwd=ROOT,
            env=environment(data_dir),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, pattern: str, *, since: int = 0) -> str:
        """The first line that matches; fails with everything said when the portal ends without it."""
        deadline = time.monotonic() + START_SECONDS
        with self._changed:
            while True:
                for line in self.lines[since:]:
                    if re.search(pattern, line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    pytest.fail(f"no {pattern!r} in:\n" + "\n".join(self.lines))
                self._changed.wait(min(left, 1))

    def url(self) -> str:
        found = re.search(r"http://[\d.:]+/", self.wait_for(r"DSR Portal +http"))
        assert found
        return found.group()

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.process.wait(timeout=60)
        self._reader.join(10)
        return code


def environment(data_dir: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PORTAL_DATA_DIR": str(data_dir),
        "PORTAL_ENV_FILE": os.devnull,
        "PORTAL_WORKERS": "1",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def belonging(data_dir: Path) -> dict[int, str]:
    """Every process that has the data directory in its environment or works in it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            ours = f"PORTAL_DATA_DIR={data_dir}".encode() in (entry / "environ").read_bytes()
            ours = ours or str(data_dir) in os.readlink(entry / "cwd")
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if ours and command:
            found[int(entry.name)] = command
    return found


def manage(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data_dir),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="portal-whole-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)
        for pid in belonging(Path(name)):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which somebody else listens."""
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        yield int(squatter.getsockname()[1])


def test_the_whole_portal_runs_heals_and_stops_without_a_trace(data_dir: Path, taken: int) -> None:
    portal = Portal(data_dir, "--port", str(taken))
    url = portal.url()
    # A taken port is passed over, and the banner says so.
    assert f"(port {taken} is taken)" in portal.wait_for("DSR Portal +http")
    with urlopen(url + "admin/login/") as answer:
        assert answer.status == 200
    assert any("secrets.env: back it up" in line for line in portal.lines)
    assert (data_dir / "secrets.env").stat().st_mode & 0o777 == 0o600

    # Another terminal: a second portal is refused in one sentence, other commands reach the database.
    second = manage(data_dir, "portal")
    assert second.returncode != 0
    assert "already runs" in second.stderr
    assert second.stderr.count("\n") == 1
    assert manage(data_dir, "migrate", "--check").returncode == 0
    asked = manage(
        data_dir, "shell", "-c", "from django.conf import settings; print(settings.PORTAL_BASE_URL)"
    )
    assert asked.stdout.strip().splitlines()[-1] + "/" == url, asked.stderr

    # Whatever dies comes back.
    for victim in ("manage.py worker default", "granian", "postgres -D"):
        before = belonging(data_dir)
        pid = next(pid for pid, command in before.items() if victim in command)
        said = len(portal.lines)
        os.kill(pid, signal.SIGKILL)
        portal.wait_for(r"ended.*starting it again", since=said)
        assert eventually(lambda: get(url + "admin/login/") == 200)

    said = len(portal.lines)
    assert portal.stop() == 0
    assert belonging(data_dir) == {}
    assert not any("Traceback" in line for line in portal.lines[said:]), "\n".join(portal.lines)

    # Without it, a command says how to start it.
    alone = manage(data_dir, "migrate")
    assert alone.returncode != 0
    assert alone.stderr.count("\n") == 1
    assert "make run" in alone.stderr


def test_kill_minus_nine_leaves_nothing_and_the_next_start_recovers(data_dir: Path) -> None:
    portal = Portal(data_dir)
    portal.url()
    left = belonging(data_dir)
    assert len(left) >= 8
    assert portal.stop(signal.SIGKILL) == -signal.SIGKILL
    assert all(wait_for_end(pid, START_SECONDS) for pid in left)
    assert belonging(data_dir) == {}
    again = Portal(data_dir)
    again.url()
    assert again.stop(signal.SIGINT) == 0
    assert belonging(data_dir) == {}


def test_once_without_the_demo_is_refused(data_dir: Path) -> None:
    asked = manage(data_dir, "portal", "--once")
    assert asked.returncode != 0
    assert "--demo --once" in asked.stderr


def get(url: str) -> int:
    try:
        with urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def eventually(true: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.1)
    return False
