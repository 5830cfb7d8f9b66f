"""The programs that a bench starts. They end with it: when it is done, when it raises, and when it is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from dsrportal.serve.processes import die_with_parent, end_all

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# A worker finishes the job it is at.
PATIENCE_SECONDS = 60.0


@contextmanager
def running(
    *commands: Sequence[str | Path],
    log: Path | None = None,
    cwd: Path = REPOSITORY,
    env: Mapping[str, str] | None = None,
    asked: bool = False,
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The commands at work, each in a session of its own, so that a Ctrl-C reaches the bench alone, which ends them.

    What they say goes to `log`, else to where the bench itself writes. What is `asked` is told what to do, and answers,
    through pipes. Only from the main thread: the kernel ends a child with the thread that started it.
    """
    children: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        stack.callback(_end, children)
        output = stack.enter_context(log.open("ab")) if log else None
        for command in commands:
            children.append(
                subprocess.Popen(
                    [str(part) for part in command],
                    cwd=cwd,
                    env=env,
                    stdin=subprocess.PIPE if asked else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if asked else output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=partial(die_with_parent, signal.SIGTERM, os.getpid()),
                )
            )
        yield children


def finished(command: Sequence[str | Path], *, given: bytes = b"", seconds: float) -> bytes:
    """Run a command to its end and give what it wrote. Raises RuntimeError where it fails, and TimeoutExpired."""
    with running(command, asked=True) as (child,):
        wrote, _errors = child.communicate(given, timeout=seconds)
    if child.returncode:
        raise RuntimeError(f"{command[-1]} ended with {child.returncode}.")
    return wrote


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    end_all(children, PATIENCE_SECONDS)
    for child in children:
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def end_in_order() -> None:
    """Have SIGTERM and a closed terminal end this process as Ctrl-C does: with all it started."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
