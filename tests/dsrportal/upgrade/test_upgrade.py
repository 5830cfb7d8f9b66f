"""A database of an older version goes on here: `migrate` brings it to what a fresh one is, and nothing is lost.

`make_dump` makes such databases, each named for its commit.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from dsrportal.database.db_grants import EVERYTHING_ELSE, RESTRICTED
from dsrportal.management.commands.migrate import COMMIT_WITH_EACH
from tests.dsrportal.upgrade import ADDRESS, MASTER_KEYS, catalogue
from tests.servers import drop_database, make_database, superuser

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@dataclass(frozen=True)
class Database:
    """One besides the test's own, and this version's commands on it."""

    name: str
    owner: str
    app: str

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        ours = {
            variable: urlsplit(os.environ[variable])._replace(path=f"/{self.name}").geturl()
            for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")
        }
        ours["PORTAL_MASTER_KEYS"] = f"{os.environ['PORTAL_MASTER_KEYS']},{MASTER_KEYS}"
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=os.environ | ours,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def execute(self, *statements: str) -> None:
        with superuser(self.name) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture
def other(django_db_setup: None) -> Iterator[Database]:
    """An empty one."""
    config = settings.DATABASES["default"]
    owner = settings.DATABASE_OWNER or config
    made = Database(f"{config['NAME']}_other", owner=owner["USER"], app=config["USER"])
    make_database(made.name, made.owner, made.app)
    yield made
    drop_database(made.name)


@pytest.fixture
def old(other: Database) -> Database:
    """One of the version whose migrations were one by one."""
    roles = {"portal_owner": other.owner, "portal": other.app}
    # The roles are those of this run's server.
    text = re.sub(
        r"^((?:ALTER|GRANT|REVOKE) .* (?:TO|FROM) )(portal_owner|portal);$",
        lambda found: f"{found[1]}{sql.Identifier(roles[found[2]]).as_string()};",
        (HERE / f"{COMMIT_WITH_EACH}.sql").read_text(),
        flags=re.MULTILINE,
    )
    other.execute(text)
    return other


def test_nothing_is_lost_and_everything_is_as_in_a_fresh_one(old: Database) -> None:
    fresh = settings.DATABASES["default"]["NAME"]
    before = catalogue.rows(old.name)
    assert min(
        len(before[table]) for table in ("cases_case", "cases_auditevent", "cases_note", "dsrportal_user")
    )
    # Rights that somebody gave and took by hand.
    old.execute(f'GRANT DELETE ON cases_case TO "{old.app}"', f'REVOKE SELECT ON cases_note FROM "{old.app}"')

    ran = old.manage("migrate", "-v0")
    assert (ran.returncode, ran.stderr) == (0, "")

    assert catalogue.described(old.name) ^ catalogue.described(fresh) == set()
    after = catalogue.rows(old.name)
    before["integrations_sendingpause"] = before.pop("integrations_outgoing")
    for row in before["django_content_type"]:
        row["model"] = {"outgoing": "sendingpause"}.get(row["model"], row["model"])
    assert {table: missing for table in before if (missing := lost(before[table], after[table]))} == {}
    assert unchained(after["cases_auditevent"]) == []
    assert catalogue.may(old.name, old.app) == {
        table: set(RESTRICTED.get(table, EVERYTHING_ELSE).split(", ")) for table in after
    }
    ran_here = {(row["app"], row["name"]) for row in after["django_migrations"]}
    assert set(MigrationLoader(None).disk_migrations or {}) <= ran_here
    asked = old.manage(
        "shell",
        "-v0",
        "-c",
        "from cases.models import *; print({i.value for i in SubjectIdentity.objects.all()})",
    )
    assert ADDRESS in asked.stdout, asked.stderr


def lost(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are not there any more as they were; columns may have come, and rows."""
    columns = sorted({name for row in before for name in row})
    kept = {json.dumps([row.get(name) for name in columns]) for row in after}
    return [row for row in before if json.dumps([row[name] for name in columns]) not in kept]


def unchained(events: list[dict[str, Any]]) -> list[int]:
    """The ids of events whose hash is not that of what they say and of the event before them."""
    heads: dict[str, bytes] = {}
    broken = []
    for event in sorted(events, key=lambda event: (event["chain"], event["sequence"])):
        previous = heads.get(event["chain"], bytes(32))
        said = previous + int(event["sequence"]).to_bytes(8, "big") + event["canonical"].encode()
        heads[event["chain"]] = hashlib.sha256(said).digest()
        if event["hash"] != f"\\x{heads[event['chain']].hex()}":
            broken.append(event["id"])
    return broken


def test_one_that_stopped_between_two_versions_is_refused_in_a_sentence(old: Database) -> None:
    old.execute("DELETE FROM django_migrations WHERE app = 'cases' AND name > '0021'")
    before = catalogue.described(old.name), catalogue.rows(old.name)
    refused = old.manage("migrate")
    assert refused.returncode == 1
    assert "stopped at cases.0020_sentences_are_kept_with_their_slots" in refused.stderr
    assert f"check out {COMMIT_WITH_EACH}" in refused.stderr
    assert "`python manage.py migrate`" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert (catalogue.described(old.name), catalogue.rows(old.name)) == before


def test_one_whose_last_step_is_missing_is_refused_too(old: Database) -> None:
    old.execute("DELETE FROM django_migrations WHERE name = '0027_a_chain_begins_with_one_write'")
    refused = old.manage("migrate")
    assert "stopped at cases.0026_the_rest_of_the_models_have_names" in refused.stderr


def test_a_first_migrate_that_was_interrupted_goes_on(other: Database) -> None:
    """It looks like a database of the older version: Django notes the steps, and the names it has for them last."""
    assert other.manage("migrate", "cases", "0001_initial").returncode == 0
    other.execute(
        "DELETE FROM django_migrations WHERE name = '0001_initial' AND app IN ('cases', 'integrations', 'dsrportal')"
    )
    ran = other.manage("migrate")
    assert ran.returncode == 0, ran.stderr
    fresh = catalogue.described(settings.DATABASES["default"]["NAME"])
    assert catalogue.described(other.name) ^ fresh == set()
