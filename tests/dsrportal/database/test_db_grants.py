"""Who may do what: the suite itself runs as the portal's role, which is the first thing shown here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import Warning as CheckWarning
from django.db import ProgrammingError, connection, transaction

from dsrportal.checks import audit_table_is_out_of_reach
from dsrportal.database.db_grants import RESTRICTED, as_owner, excess_rights, grant


def rights(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS word "
            "WHERE has_table_privilege(%s, word)",
            [table],
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def tables(transactional_db: None) -> Iterator[None]:
    """Tables as a migration of the owner would make them, under the names with rules of their own."""
    names = ["zz_event", "zz_ordinary"]
    with as_owner(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"CREATE TABLE {name} (id bigserial PRIMARY KEY, what text)")
    yield
    with as_owner(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TABLE {name}")


@pytest.mark.django_db
def test_the_suite_runs_as_a_role_that_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user), "
            "count(*) FROM pg_tables WHERE tableowner = current_user"
        )
        name, superuser, owned = cursor.fetchone()
    assert (superuser, owned) == (False, 0), name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", [1, 2])
def test_a_transactional_test_leaves_nothing_behind(time: int) -> None:
    users = get_user_model().objects
    assert not users.exists()
    users.create_user(f"someone{time}")


def test_ordinary_tables_are_worked_in_and_restricted_ones_only_as_far_as_needed(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RESTRICTED, "zz_event", "SELECT, INSERT")
    for _ in range(2):  # repeating changes nothing
        with as_owner():
            grant("portal")
    assert rights("zz_ordinary") == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert rights("zz_event") == {"SELECT", "INSERT"}
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO zz_event (what) VALUES ('kept')")  # its sequence may be used
    for statement in ("UPDATE zz_event SET what = ''", "DELETE FROM zz_event", "TRUNCATE zz_event"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_a_right_that_was_given_by_mistake_is_taken_back(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RESTRICTED, "zz_event", "SELECT, INSERT")
    with as_owner():
        connection.cursor().execute("GRANT ALL ON zz_event TO portal")
        grant("portal")
    assert rights("zz_event") == {"SELECT", "INSERT"}


@pytest.mark.django_db
def test_no_table_can_be_made_or_truncated() -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute("CREATE TABLE mine ()")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute("TRUNCATE dsrportal_user CASCADE")


@pytest.mark.django_db
def test_as_things_are_the_audit_trail_is_out_of_reach() -> None:
    assert excess_rights() == []
    assert audit_table_is_out_of_reach(None) == []


def test_the_check_warns_where_the_portal_could_rewrite_its_audit_trail(
    tables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsrportal.database.db_grants.AUDIT_TABLES", ("zz_event",))
    with as_owner():
        connection.cursor().execute("GRANT UPDATE, TRUNCATE ON zz_event TO portal")
    assert excess_rights() == ["may TRUNCATE zz_event", "may UPDATE zz_event"]
    with as_owner():
        found: list[Any] = list(audit_table_is_out_of_reach(None))
    assert [(type(message), message.id) for message in found] == [(CheckWarning, "dsrportal.W001")]
    assert "owns zz_event" in found[0].msg


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "may"),
    [
        ("cases_note", {"SELECT", "INSERT"}),
        ("cases_attachment", {"SELECT", "INSERT"}),
        ("cases_verification", {"SELECT", "INSERT"}),
        ("cases_importedrow", {"SELECT", "INSERT"}),
        ("cases_case", {"SELECT", "INSERT", "UPDATE"}),
        ("cases_callbackdelivery", {"SELECT", "INSERT", "UPDATE"}),
        ("cases_emailconfirmation", {"SELECT", "INSERT", "UPDATE"}),
        ("cases_intakereceipt", {"SELECT", "INSERT", "UPDATE"}),
        ("cases_bulkrow", {"SELECT", "INSERT", "UPDATE"}),
        ("cases_verificationrule", {"SELECT", "UPDATE"}),
    ],
)
def test_evidence_cannot_be_deleted(table: str, may: set[str]) -> None:
    assert rights(table) == may


@pytest.mark.django_db
def test_each_restricted_table_is_there() -> None:
    """One that was renamed would quietly be worked in like any other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", [list(RESTRICTED)])
        assert {row[0] for row in cursor.fetchall()} == set(RESTRICTED)
