"""Places of the embedded servers: their data, their sockets, and the user they run as."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dsrportal.serve.embedded.errors import AlreadyRunning, CannotStart

OWNER_ROLE = "portal_owner"
APP_ROLE = "portal"
SUPERUSER_ROLE = "postgres"
DATABASE = "portal"

_TMP = Path("/tmp")  # noqa: S108  (the directory made in it is private, and refused if it is not)


@dataclass(frozen=True)
class Addresses:
    """Where the servers of one data directory listen, running or not."""

    data_dir: Path
    sockets: Path

    @property
    def postgres_dir(self) -> Path:
        return self.sockets / "pg"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "kv" / "valkey.sock"

    def database_url(self, role: str = APP_ROLE, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={self.postgres_dir}"

    def redis_url(self, database: int = 0) -> str:
        return f"unix://{self.valkey_socket}?db={database}"


def default_data_dir(checkout: Path) -> Path:
    """`.portal/` in the checkout; for root a place that the servers, which then run as nobody, can reach."""
    if os.geteuid() == 0:
        return Path("/var/lib") / f"dsrportal-{_digest(checkout)}"
    return checkout / ".portal"


def addresses(data_dir: Path) -> Addresses:
    # A socket's path may have some 107 bytes, so it cannot lie in a data directory of any depth.
    return Addresses(data_dir, _top() / f"dsrportal-{os.geteuid()}-{_digest(data_dir)}")


def _top() -> Path:
    return _TMP if os.access(_TMP, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def private_top(name: str) -> Path:
    """A directory in the temporary one that only we can write to. Raises CannotStart where somebody else made it."""
    path = _top() / name
    # Root's may be walked through: the servers, which then run as nobody, have directories of theirs inside. They
    # cannot swap those, nor can whoever else runs as nobody.
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise CannotStart(f"{path} is not a private directory of ours: look at it and remove it.")
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)  # whatever the umask
    return path


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:10]


def account() -> pwd.struct_passwd | None:
    """As whom the servers run: PostgreSQL refuses to run as root, so root hands it to nobody; else ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def prepare(places: Addresses) -> None:
    """Make the data directory and the directory of sockets.

    Raises CannotStart with one sentence where they cannot be used.
    """
    try:
        make_data_dir(places.data_dir)
    except OSError as error:
        raise CannotStart(
            f"The data directory {places.data_dir} cannot be made ({error.strerror}): "
            "set PORTAL_DATA_DIR to one that can."
        ) from error
    _require_reachable(places.data_dir)
    private_top(places.sockets.name)
    own_directory(places.postgres_dir)
    own_directory(places.valkey_socket.parent)


def make_data_dir(path: Path) -> None:
    """Ours alone; root's may be walked through by the servers, which then run as nobody."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)  # whatever the umask


def own_directory(path: Path) -> None:
    """A 0700 directory that belongs to whoever runs the servers."""
    path.mkdir(exist_ok=True, mode=0o700)
    if (user := account()) is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
    path.chmod(0o700)


def _require_reachable(directory: Path) -> None:
    user = account()
    if user is not None and not reachable(directory / "any", user):
        raise CannotStart(
            f"Started by root, the database runs as {user.pw_name}, who cannot enter {directory}: set PORTAL_DATA_DIR "
            "to a directory whose parents anyone may enter, or start the portal as another user."
        )


def reachable(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether the user may walk down to the path (the permission bits alone decide)."""
    for parent in path.resolve().parents:
        found = parent.stat()
        needed = stat.S_IXUSR if found.st_uid == user.pw_uid else stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True


def within_reach(tree: Path, data_dir: Path, *, name: str) -> Path:
    """The directory of programs itself, or a copy in the data directory where its user cannot reach it.

    A virtual environment below root's 0700 home is the usual case. The copy is named after its source's version.
    """
    user = account()
    if user is None or reachable(tree / "any", user):
        return tree
    copy = data_dir / "programs" / name
    if not copy.exists():
        programs = data_dir / "programs"
        for directory in [*reversed([part for part in copy.parents if part.is_relative_to(programs)])]:
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)  # whatever the umask
        unfinished = Path(tempfile.mkdtemp(dir=programs))
        shutil.copytree(tree, unfinished / "tree", symlinks=True)
        (unfinished / "tree").rename(copy)
        unfinished.rmdir()
    return copy


class Lock:
    """A file lock that the kernel releases with the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self) -> None:
        """Take the lock. Raises AlreadyRunning where another portal holds it."""
        # For nobody else to open: whoever can, can lock it and keep us from starting.
        opened = open(self.path, "a", opener=lambda path, flags: os.open(path, flags, 0o600))  # noqa: SIM115 (kept open as long as it is held)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.close()
            raise AlreadyRunning(
                f"A portal already runs on {self.path.parent}: stop it first, or set PORTAL_DATA_DIR to another "
                "directory."
            ) from None
        self._file = opened

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
