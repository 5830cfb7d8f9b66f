"""Who runs on this machine, as Linux tells it in /proc."""

from collections.abc import Iterator
from pathlib import Path


def children(parent: int, command: str = "") -> list[int]:
    """Ids of the parent's own children, the oldest first; with `command`, of those whose command line holds it."""
    found = [pid for pid in _all() if _parent(pid) == parent and command in _command(pid)]
    return sorted(found)


def working_in(directory: Path) -> list[str]:
    """Command lines of processes that have the directory as their place, in their words, or in their environment."""
    named = str(directory)
    found = []
    for pid in _all():
        try:
            place = str((Path("/proc") / str(pid) / "cwd").readlink())
            environment = _read(pid, "environ")
        except OSError:
            continue
        if place.startswith(named) or named in _command(pid) or f"PORTAL_DATA_DIR={named}" in environment:
            found.append(f"{pid} {_command(pid)}"[:200])
    return found


def _all() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _parent(pid: int) -> int:
    try:
        # The name before it is in brackets and may hold anything.
        return int(_read(pid, "stat").rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _command(pid: int) -> str:
    try:
        return _read(pid, "cmdline").replace("\0", " ").strip()
    except OSError:
        return ""


def _read(pid: int, name: str) -> str:
    return (Path("/proc") / str(pid) / name).read_text(errors="replace")
