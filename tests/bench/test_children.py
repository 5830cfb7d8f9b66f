"""Whatever a bench started ends with it: also when it raises, is interrupted, or is killed."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dsrportal.serve.processes import wait_for_end
from tests.bench.children import REPOSITORY, finished, running
from tests.faults import processes

PAUSE = [sys.executable, "-c", "import signal; signal.pause()"]
# A bench without figures: servers, a worker and a sandbox, in whose midst something happens.
BENCH = """
import signal, sys
from tests.bench.children import end_in_order, running
from tests.bench.portal import own_servers
from tests.sandbox import running_sandbox

end_in_order()
with own_servers() as directory, running_sandbox(directory / "sandbox"):
    with running([sys.executable, "manage.py", "worker", "default"], log=directory / "worker.log"):
        print(directory, flush=True)
        {happens}
"""
SECONDS = 60
linux = pytest.mark.skipif(sys.platform != "linux", reason="whom a bench started is looked up in /proc")


def test_ends_with_a_block_that_raises() -> None:
    with pytest.raises(ZeroDivisionError), running(PAUSE, PAUSE) as children:
        raise ZeroDivisionError
    assert [child.returncode for child in children] == [-signal.SIGTERM] * 2


def test_ends_what_began_before_one_that_cannot_begin(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begin = [
        sys.executable,
        "-c",
        f"import os; open({str(begun)!r}, 'w').write(str(os.getpid())); {PAUSE[2]}",
    ]
    with pytest.raises(FileNotFoundError), running(begin, [tmp_path / "nothing"]):
        raise AssertionError("Nothing can be there to begin.")
    assert not begun.exists() or wait_for_end(int(begun.read_text()), SECONDS)


def test_gives_what_a_command_wrote() -> None:
    echo = [sys.executable, "-c", "print(input()[::-1])"]
    assert finished(echo, given=b"tide\n", seconds=SECONDS) == b"edit\n"
    with pytest.raises(RuntimeError, match="ended with 3"):
        finished([sys.executable, "-c", "raise SystemExit(3)"], seconds=SECONDS)


@contextmanager
def bench(happens: str) -> "Iterator[tuple[subprocess.Popen[str], Path]]":
    """A bench at work, and its directory."""
    command = [sys.executable, "-c", BENCH.format(happens=happens)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as it:
        assert it.stdout
        directory = Path(it.stdout.readline().strip())
        try:
            yield it, directory
        finally:
            it.kill()
            shutil.rmtree(directory, ignore_errors=True)


@linux
def test_a_bench_that_raises_leaves_nothing_behind() -> None:
    with bench("raise ZeroDivisionError") as (it, directory):
        assert it.wait(SECONDS) == 1
        assert processes.working_in(directory) == []
        assert not directory.exists()


@linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_bench_that_is_interrupted_leaves_no_process_behind(number: signal.Signals) -> None:
    with bench("signal.pause()") as (it, directory):
        at_work = [int(line.split()[0]) for line in processes.working_in(directory)]
        assert len(at_work) > 4
        it.send_signal(number)
        it.wait(SECONDS)
        assert [pid for pid in at_work if not wait_for_end(pid, SECONDS)] == []


def test_no_bench_starts_a_process_by_itself() -> None:
    others = [
        path
        for path in Path(__file__).parent.glob("*.py")
        if path.name not in ("children.py", Path(__file__).name)
    ]
    assert len(others) > 10
    assert [
        path.name for path in others if re.search(r"\bsubprocess\.\w+\(|\bPopen\(", path.read_text())
    ] == []
