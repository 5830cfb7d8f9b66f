"""Who may what: every address of the desk and every verb, for every role, looked at and posted to.

A new address or verb is missing in the table (matrix.py) until somebody has said who may use it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.contrib import admin
from pytest_django.plugin import DjangoDbBlocker

from cases.admin import bulk_run, bulk_verbs, intake_source, outgoing, processor_verbs, verbs
from cases.roles import ROLES
from cases.services import bulk_rules
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
from tests.cases.admin.people import ROLE_OF
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
        (ON_CASES, lambda: verbs.BY_NAME),
        (ON_MANY, lambda: bulk_verbs.BULK_BY_NAME),
        (ON_MANY, lambda: bulk_rules.RULES),
        (dict.fromkeys(ON_RUNS), lambda: bulk_run.ACTS),
        (ON_PROCESSORS, lambda: [verb.name for verb in processor_verbs.VERBS]),
        (ON_SOURCES, lambda: intake_source.VERBS),
        (ON_EVERYTHING, lambda: outgoing.VERBS),
    ],
    ids=["cases", "many cases", "their rules", "runs", "processors", "sources", "everything"],
)
def test_every_verb_has_a_row(said: dict[str, Any], there: Callable[[], Sequence[str]]) -> None:
    assert set(said) == set(there())


def test_every_role_is_asked() -> None:
    assert {role for role in ROLE_OF.values() if role} == set(ROLES)
    assert NOBODY in ROLE_OF.values()


# --- whatever it says can be said in another language


# What people, files and systems are called, laws, zones, and codes that are shown as such.
NAMES: Final = re.compile(
    r"""DSR[ -]\S+|\S*•\S*|\w+/\w+|\S+\.(?:org|com|example|csv|log)\b|https?://\S+|[0-9a-f-]{16,}
    |\b(?:agnes|pia|otto|ivy|adam|charlie|clerk|owner|night\ shift|Shop|Archive|archive|Website|Partner|Soon|Portal)\b
    |GDPR\ Art\ 12\(3\)|\b(?:UTC|GDPR|CCPA|Deutsch|English|SHA-256|HMAC|CSV|HTTP|localhost)\b
    |It\ is\ gone\.|A\ callback\ is\ not\ for\ us\.|Known\ again\.|[\d.]+\ UTC
    |\b(?:default|outgoing|results)\b(?=\s*(?:[,.]|$))|“pending”|^\s*pending\s*$|content-type|x-opendsr-signature
    |case:\d+(?:\ \#\d+\ case\.opened)?|(?:identities-)?(?:TOTAL|INITIAL)_FORMS
    |\b(?:pdf|png|jpg|jpeg|heic|txt|csv|eml|docx|xlsx)\b|\d+\ (?:calls|new\ requests)\ in\ \d+\ [sh]""",
    re.VERBOSE,
)
# Of an import, in the sentences about its columns.
CODES: Final = re.compile(
    rf"\b(?:{'|'.join((*IdentityType.values, *RequestType.values, *Regulation.values))})\b(?=\s*(?:[,.]|$))"
)


def who_gets(may: May, status: int) -> str:
    """Somebody who gets this answer: an administrator, where they do."""
    return next((name for name in ("adam", *ROLE_OF) if may.expects(name) == status), NOBODY)


def bare_texts(desk: Desk, row: Row) -> Iterator[str]:
    """What is not translated on the page, on the one that an empty form leads to, and of what is said after it."""
    for method, may, status in (("get", row.get, 200), ("post", row.post, 200), ("post", row.post, 302)):
        name = who_gets(may, status)
        if not name:
            continue
        answer = ask(desk, name, method, desk.address(row))[0]
        if status == 302:
            said: Any = get_messages(answer.wsgi_request)
            yield from (
                words for each in said._queued_messages for words in pseudo.bare(str(each), names=NAMES)
            )
        elif answer["Content-Type"].startswith("text/html"):
            yield from pseudo.bare(answer.content.decode(), names=NAMES)


def test_whatever_a_page_says_can_be_said_in_another_language(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pseudo.speak(monkeypatch)
    with transaction.atomic():
        User.objects.update(language="de")
        found = {
            str(row): [words for words in bare_texts(desk, row) if CODES.sub("", words).strip(":, .")]
            for row in TABLE
        }
        transaction.set_rollback(True)
    assert {row: words for row, words in found.items() if words} == {}


def test_a_text_that_is_not_marked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pseudo.speak(monkeypatch)
    with translation.override("de"):
        marked = Wording("Held: waits for %(other)s", other=Wording("Approve"))
        page = (
            f'<p title="Close">{marked} <b>{Wording("Held by %(name)s", name="somebody")}</b> Bare words</p>'
        )
    assert pseudo.bare(page, names=re.compile("^$")) == ["Close", "somebody", "Bare words"]
