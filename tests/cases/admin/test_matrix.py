"""Who may what: every address of the desk and every verb, for every role, looked at and posted to.

A new address or verb is missing in the table (matrix.py) until somebody has said who may use it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.contrib import admin
from pytest_django.plugin import DjangoDbBlocker

from cases.admin.bulk import run as bulk_run
from cases.admin.bulk import verbs as bulk_verbs
from cases.admin.intake import sources as intake_sources
from cases.admin.processors import pausing
from cases.admin.processors import verbs as processor_verbs
from cases.admin.verbs import table as verb_table
from cases.roles import ROLES
from cases.services.bulk import rules as bulk_rules
from tests.cases.admin.desk_users import ROLE_OF
from tests.cases.admin.matrix import (
    NOBODY,
    ON_CASES,
    ON_EVERYTHING,
    ON_MANY,
    ON_PROCESSORS,
    ON_RUNS,
    ON_SOURCES,
    TABLE,
    VISITOR,
    Row,
)
from tests.cases.admin.whole_desk import Desk, ask, whole_desk


@pytest.fixture(scope="module")
def desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    with django_db_blocker.unblock(), whole_desk() as made:
        yield made


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_everybody_gets_the_answer_of_their_role(desk: Desk, row: Row) -> None:
    address = desk.address(row)
    answers: dict[str, int] = {}
    expected: dict[str, int] = {}
    for method, may in (("get", row.get), ("post", row.post)):
        for name in (*ROLE_OF, VISITOR):
            answer, written = ask(desk, name, method, address)
            who = f"{method} by {name}"
            answers[who], expected[who] = answer.status_code, may.expects(name)
            if name == VISITOR and answer.status_code == 302:
                assert answer["Location"].startswith("/admin/login/") or row.pattern == "logout/"
            if method == "get" or answer.status_code >= 400:
                assert not written, f"{who} wrote to the audit trail"
    assert {who: status for who, status in answers.items() if status != expected[who]} == {}


# --- the table is whole


def patterns(resolved: Sequence[Any], prefix: str = "") -> Iterator[str]:
    for each in resolved:
        pattern = prefix + str(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from patterns(each.url_patterns, pattern)
        else:
            yield pattern


def test_every_address_of_the_desk_has_a_row_and_every_row_an_address() -> None:
    assert {row.pattern for row in TABLE} == set(patterns(admin.site.get_urls()))


@pytest.mark.parametrize(
    ("said", "there"),
    [
        (ON_CASES, lambda: verb_table.BY_NAME),
        (ON_MANY, lambda: bulk_verbs.BULK_BY_NAME),
        (ON_MANY, lambda: bulk_rules.RULES),
        (dict.fromkeys(ON_RUNS), lambda: bulk_run.ACTS),
        (ON_PROCESSORS, lambda: [verb.name for verb in processor_verbs.VERBS]),
        (ON_SOURCES, lambda: [verb.name for verb in intake_sources.VERBS]),
        (ON_EVERYTHING, lambda: [verb.name for verb in pausing.VERBS]),
    ],
    ids=["cases", "many cases", "their rules", "runs", "processors", "sources", "everything"],
)
def test_every_verb_has_a_row(said: dict[str, Any], there: Callable[[], Sequence[str]]) -> None:
    assert set(said) == set(there())


def test_every_role_is_asked() -> None:
    assert {role for role in ROLE_OF.values() if role} == set(ROLES)
    assert NOBODY in ROLE_OF.values()
