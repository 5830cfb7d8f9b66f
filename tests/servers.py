"""An early pytest plugin: real PostgreSQL and Valkey for this run, and one database of each for each xdist worker.

PostgreSQL's databases are copies of one that is migrated once a run: see tests/template.py.

Loaded by `-p` before Django reads its settings, because it decides what they are. Nothing is started where
DATABASE_URL and REDIS_URL name servers already; DATABASE_OWNER_URL must then be a superuser.
"""

import atexit
import base64
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest
from psycopg import sql

from dsrportal.serve.embedded import Servers, addresses

# Who makes, migrates and empties the test databases. Only the tests know of a superuser.
SUPERUSER = "PORTAL_TEST_SUPERUSER_URL"
STORE = "PORTAL_TEST_STORE_URL"
DATA_DIR = "PORTAL_TEST_DATA_DIR"
TEMPLATE = "test_portal_template"


def start() -> None:
    """Once a run: in pytest itself, or in xdist's controller, whose environment the workers inherit."""
    if SUPERUSER in os.environ:
        return
    # Containers like to set it. The tests start some two hundred processes: each would compile the whole portal anew,
    # and each xdist worker all tests.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PORTAL_ENV_FILE"] = os.devnull  # a developer's own .env is not part of the tests
    os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)
    os.environ["PORTAL_MASTER_KEYS"] = "test1:" + base64.b64encode(os.urandom(32)).decode()
    data_dir = Path(tempfile.mkdtemp(prefix="portal-tests-"))
    data_dir.chmod(0o711)
    os.environ[DATA_DIR] = os.environ["PORTAL_DATA_DIR"] = str(data_dir)
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        if "DATABASE_OWNER_URL" not in os.environ or not _is_superuser(os.environ["DATABASE_OWNER_URL"]):
            sys.exit(
                "The tests empty tables that refuse it: set DATABASE_OWNER_URL to a superuser of that server."
            )
        os.environ[SUPERUSER] = os.environ["DATABASE_OWNER_URL"]
        os.environ[STORE] = os.environ["REDIS_URL"]
        drop_database(TEMPLATE)  # of a run that was killed
        atexit.register(_clean_up, None, data_dir, os.getpid())
        return
    servers = Servers(data_dir, durable=False)
    servers.start()
    atexit.register(_clean_up, servers, data_dir, os.getpid())
    places = addresses(data_dir)
    os.environ[SUPERUSER] = places.database_url("postgres", "postgres")
    os.environ[STORE] = places.redis_url()
    os.environ["DATABASE_URL"] = places.database_url("portal")
    os.environ["DATABASE_OWNER_URL"] = places.database_url("portal_owner")


def _clean_up(servers: Servers | None, data_dir: Path, pid: int) -> None:
    if os.getpid() != pid:  # a forked child of the tests
        return
    if servers is None:
        drop_database(TEMPLATE)
    else:
        servers.stop()
    shutil.rmtree(data_dir, ignore_errors=True)


def _is_superuser(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


def take_own() -> None:
    """This process's own database, store and directory of files, named in the environment: what the tests start
    inherits them. Files that no row of the database knows are deleted, so no two may share them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    name = f"test_portal_{worker or 'main'}"
    for variable in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = urlsplit(os.environ[variable])._replace(path=f"/{name}").geturl()
    os.environ["REDIS_URL"] = _with_store(os.environ[STORE], number)
    files = Path(os.environ[DATA_DIR]) / name
    files.mkdir(mode=0o711, exist_ok=True)
    os.environ["PORTAL_DATA_DIR"] = str(files)


def _with_store(url: str, number: int) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        base = int(dict(parse_qsl(parts.query)).get("db", 0))
        return f"unix://{parts.path}?db={base + number}"
    base = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{base + number}").geturl()


def superuser(database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
    """A connection that may do anything, for what the portal's own role must not."""
    url = urlsplit(os.environ[SUPERUSER])._replace(path=f"/{database}").geturl()
    return psycopg.connect(url, autocommit=True)


def make_database(name: str, owner: str, app: str, *, template: str = "template1") -> None:
    """A database that belongs to the owner role; the app role may only connect, unless the template says more."""
    database = sql.Identifier(name)
    with superuser() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                database, sql.Identifier(owner), sql.Identifier(template)
            )
        )
    with superuser(name) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(owner)))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(app)))


def drop_database(name: str) -> None:
    with superuser() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> "object":
    """Wraps the others of this name, so it comes before pytest-django loads the settings."""
    if not (early_config.known_args_namespace.help or early_config.known_args_namespace.version):
        start()
        take_own()
    return (yield)
