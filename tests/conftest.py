"""The suite runs as the portal's own database role, on real servers. See tests/servers.py."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker

from dsrportal.queueing import store
from tests import pace, pristine, template
from tests.servers import drop_database, superuser


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes longer than the daily loop can wait; see tests/pace.py")
    config.pluginmanager.register(pace.Pace())
    # Real hashing costs a quarter of a second a log-in, and there are many.
    settings.PASSWORD_HASHERS = ["tests.hashers.QuickHasher"]
    # Else each client of a test looks through all files beforehand.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A fresh database, migrated as the owner; the tests then connect as the role the portal runs as."""
    config = settings.DATABASES["default"]
    name = config["NAME"]
    owner: dict[str, Any] = settings.DATABASE_OWNER or config
    with django_db_blocker.unblock():
        template.copy(name, owner=owner["USER"], app=config["USER"])
    yield
    connections.close_all()
    pristine.close()
    drop_database(name)


def _restore(self: TransactionTestCase) -> None:
    # An open transaction of the test would hold its locks, and one that failed leaves the connection in doubt.
    if connection.in_atomic_block or connection.errors_occurred or not connection.get_autocommit():
        connection.close()
    pristine.restore(connection.settings_dict["NAME"])


TransactionTestCase._fixture_teardown = _restore  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    """The queue store and the cache begin empty."""
    yield
    store().flushdb()


@pytest.fixture
def owner_connection(transactional_db: None) -> Iterator[Any]:
    """A superuser's connection to this test's database, for looking past what the portal may do."""
    with superuser(connection.settings_dict["NAME"]) as opened:
        yield opened


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("CI") == "true":
        terminalreporter.write_line(
            f"{len(skipped)} skipped: in CI nothing may be skipped.", red=True, bold=True
        )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
