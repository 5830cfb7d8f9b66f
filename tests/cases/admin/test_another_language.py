"""Whatever a page says can be said in another language: all of them, spoken in one that marks each translated word."""

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.contrib.messages import get_messages
from django.db import transaction
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations.types import IdentityType, Regulation, RequestType
from tests import pseudo
from tests.cases.admin.desk_users import ROLE_OF
from tests.cases.admin.matrix import NOBODY, TABLE, May, Row
from tests.cases.admin.whole_desk import Desk, ask, whole_desk


@pytest.fixture(scope="module")
def desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    with django_db_blocker.unblock(), whole_desk() as made:
        yield made


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
    rf"\b(?:{'|'.join((*IdentityType.values, *RequestType.values, *Regulation.values))})\b(?=\s*(?:[,.:]|$))"
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
            str(row): [
                words for words in bare_texts(desk, row) if CODES.sub("", words).strip(":, .0123456789")
            ]
            for row in TABLE
        }
        transaction.set_rollback(True)
    assert {row: words for row, words in found.items() if words} == {}


def test_a_text_that_is_not_marked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pseudo.speak(monkeypatch)
    with translation.override("de"):
        marked = Sentence("Put on hold: waits for %(other)s", other=Sentence("Approve"))
        page = (
            f'<p title="Close">{marked} <b>{Sentence("Held by %(name)s", name="somebody")}</b> Bare words</p>'
        )
    assert pseudo.bare(page, names=re.compile("^$")) == ["Close", "somebody", "Bare words"]
