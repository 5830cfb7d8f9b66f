"""The portal as its users meet it: a web server and workers as processes of their own, on the test's database."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

_REPOSITORY = Path(__file__).resolve().parent.parent
WEB_SECONDS = 30
WORK_SECONDS = 120


class LivePortal:
    """Started by `live_portal`. Logs of all its processes lie in `log_dir`."""

    def __init__(self, log_dir: Path, *, web_workers: int = 1) -> None:
        self.log_dir = log_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.web_workers = web_workers
        self._environment = {**os.environ, "PORTAL_BASE_URL": self.url, "PYTHONUNBUFFERED": "1"}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._workers: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        web = self._spawn(
            "web",
            f"-m granian --interface wsgi dsrportal.wsgi:application --host 127.0.0.1 --port {self.port} "
            f"--workers {self.web_workers} --blocking-threads 2 --no-ws --no-access-log".split(),
        )
        for _attempt in range(WEB_SECONDS * 20):
            if web.poll() is not None:
                raise RuntimeError(self.log("web")[-2000:])
            try:
                requests.get(self.url + "/admin/login/", timeout=5)
                return
            except requests.ConnectionError:
                # A port that nobody listens on refuses at once; waiting for the process is the nearest event.
                try:
                    web.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
        raise RuntimeError("The web server did not answer.")

    def work(self, *queues: str) -> None:
        """Run real workers until their queues are empty: outgoing first, as its jobs fill the other."""
        # Not at the top: who wants a free port alone, such as a benchmark, has no settings yet.
        from dsrportal.queueing import store

        for queue in queues or ("outgoing", "default", "results"):
            if not store().llen(f"rq:queue:{queue}"):
                continue  # a worker that finds nothing costs as much as one that works
            self._workers = self._workers or self._spawn("worker", ["-m", "tests.burst"], asked=True)
            assert self._workers.stdin
            assert self._workers.stdout
            self._workers.stdin.write(f"{queue}\n".encode())
            self._workers.stdin.flush()
            if not select.select([self._workers.stdout], [], [], WORK_SECONDS)[0]:
                raise RuntimeError(f"The worker of {queue} did not end: {self.log('worker')[-2000:]}")
            if (ended := self._workers.stdout.readline().strip()) != b"0":
                raise RuntimeError(
                    f"The worker of {queue} ended with {ended!r}: {self.log('worker')[-2000:]}"
                )

    def start_workers(self, *queues: str) -> None:
        for number, queue in enumerate(queues):
            self._spawn(f"worker-{number}", ["manage.py", "worker", queue])

    def log(self, name: str = "") -> str:
        names = [self.log_dir / f"{name}.log"] if name else sorted(self.log_dir.glob("*.log"))
        return "\n".join(path.read_text(errors="replace") for path in names if path.exists())

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, name: str, arguments: list[str], *, asked: bool = False) -> subprocess.Popen[bytes]:
        """Its output is its log. What is `asked` is told what to do, and answers, through pipes."""
        with (self.log_dir / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=_REPOSITORY,
                env=self._environment,
                stdin=subprocess.PIPE if asked else None,
                stdout=subprocess.PIPE if asked else log,
                stderr=log,
            )
        self._processes.append(process)
        return process


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def live_portal(log_dir: Path, *, web_workers: int = 1) -> Iterator[LivePortal]:
    log_dir.mkdir(parents=True, exist_ok=True)
    portal = LivePortal(log_dir, web_workers=web_workers)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()
