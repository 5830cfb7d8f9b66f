"""The pages that people look at all day, as the web server makes them: one user, warm, 300 open cases, 300 closed.

With `--beside`, another checkout makes the same pages of the same cases in the same run, visit by visit in turns, so
that the ratio holds on a busy machine too: its own code and environment, in a process and a database of its own.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

from dsrportal.serve.embedded.places import APP_ROLE, DATABASE, OWNER_ROLE, SUPERUSER_ROLE
from tests.bench.children import REPOSITORY, running
from tests.bench.figure import Figure
from tests.bench.run import Run

CASES, VISITS, WARM_VISITS = 300, 50, 5
FEW_CASES, FEW_VISITS = 40, 3
QUERIES_GOAL = 12
# The queue store's databases; the bench's own is 0.
STORES = {"here": 1, "beside": 2}
_PROBE = Path(__file__).with_name("page_probe.py")


@dataclass(frozen=True, slots=True)
class Visit:
    ms: float
    cpu_ms: float
    queries: int


@dataclass(frozen=True)
class Build:
    """One checkout's process, and the visits to each of its pages that count."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    visits: dict[str, list[Visit]] = field(default_factory=dict)

    def await_pages(self) -> None:
        """Until its database is filled; the rest is as autovacuum would leave it."""
        pages: list[str] = self._answer()["pages"]
        self.visits.update((page, []) for page in pages)
        _as_superuser(self.name, sql.SQL("ANALYZE"))

    def visit(self, page: str) -> Visit:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{page}\n".encode())
        self.process.stdin.flush()
        return Visit(**self._answer())

    def median(self, page: str, of: str) -> float:
        values: list[float] = [getattr(visit, of) for visit in self.visits[page]]
        return median(values)

    def in_words(self, page: str) -> str:
        ms, cpu_ms, queries = (self.median(page, of) for of in ("ms", "cpu_ms", "queries"))
        return f"{ms:.0f} ms, {cpu_ms:.0f} ms of CPU, {queries:.0f} queries"

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.log.read_text(errors="replace")[-2000:])
        answer: dict[str, Any] = json.loads(line)
        return answer


def measure(run: Run) -> list[Figure]:
    cases, visits, warm = (FEW_CASES, FEW_VISITS, 1) if run.small else (CASES, VISITS, WARM_VISITS)
    with ExitStack() as stack:
        builds = [stack.enter_context(_build(run, "here", REPOSITORY, cases))]
        if run.beside:
            builds.append(stack.enter_context(_build(run, "beside", run.beside, cases)))
        for build in builds:
            build.await_pages()
        for page in builds[0].visits:
            for number in range(warm + visits):
                for build in builds if number % 2 else reversed(builds):
                    visit = build.visit(page)
                    if number >= warm:
                        build.visits[page].append(visit)
    return [figure for page in builds[0].visits for figure in _figures(page, *builds)]


def _figures(page: str, ours: Build, theirs: Build | None = None) -> Iterator[Figure]:
    met = ours.median(page, "queries") <= QUERIES_GOAL
    yield Figure(page, ours.in_words(page), f"at most {QUERIES_GOAL} queries", met)
    if theirs:
        pairs = list(zip(ours.visits[page], theirs.visits[page], strict=True))
        ms, cpu_ms = (
            median(getattr(one, of) / getattr(other, of) for one, other in pairs) for of in ("ms", "cpu_ms")
        )
        yield Figure(f"  {page}, the other checkout", theirs.in_words(page))
        yield Figure(f"  {page}, ratio", f"{ms:.2f}, {cpu_ms:.2f} of CPU")


@contextmanager
def _build(run: Run, name: str, checkout: Path, cases: int) -> Iterator[Build]:
    """The probe in this checkout, by its own Python where it has one, on a database and a store of its own."""
    directory = run.directory / name
    directory.mkdir(mode=0o711)
    # Ours begins as a copy of what is migrated already.
    template = DATABASE if checkout == REPOSITORY else "template1"
    connections.close_all()
    names = [sql.Identifier(each) for each in (name, OWNER_ROLE, template)]
    _as_superuser("postgres", sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*names))
    own = checkout / ".venv" / "bin" / "python"
    places = settings.ADDRESSES
    env = {
        **os.environ,
        "PORTAL_DATA_DIR": str(directory),
        "DATABASE_URL": places.database_url(APP_ROLE, name),
        "DATABASE_OWNER_URL": places.database_url(OWNER_ROLE, name),
        "REDIS_URL": places.redis_url(STORES[name]),
    }
    command = [own if own.exists() else sys.executable, _PROBE, str(cases), str(cases)]
    log = directory / "probe.log"
    with running(command, log=log, cwd=checkout, env=env, asked=True) as (process,):
        yield Build(name, process, log)


def _as_superuser(database: str, statement: sql.SQL | sql.Composed) -> None:
    url = settings.ADDRESSES.database_url(SUPERUSER_ROLE, database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
