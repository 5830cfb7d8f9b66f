"""Every verb of the desk, whatever it is done to: whoever may is asked, and a service's no keeps what was typed."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import escape
from html.parser import HTMLParser
from types import ModuleType
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

import cases.admin
from cases.admin.home import attention
from cases.admin.intake import sources
from cases.admin.processors import connect, pausing
from cases.admin.processors import verbs as processor_verbs
from cases.admin.verb import Verb
from cases.admin.verbs import page as case_page
from cases.models import Action, AuditEvent
from cases.services.refusal import Refused
from dsrportal.sentence import Verbatim
from integrations.models import Processor
from integrations.types import Workspace
from tests import builders
from tests.cases.admin.matrix import ONLY_POST, SETTLE, May, Row, verb_rows
from tests.cases.admin.whole_desk import Desk, whole_desk

# Where each table of verbs is looked up, by how their addresses begin.
TABLES: Final[dict[str, ModuleType]] = {
    "cases/case/": case_page,
    "cases/attentionitem/": attention,
    "cases/intakesource/": sources,
    "integrations/processor/outgoing/": pausing,
    "integrations/processor/": processor_verbs,
}
ROWS: Final = (
    # What is done to many cases, and to a run of them, has pages of its own.
    *(row for row in verb_rows() if row.get is not ONLY_POST),
    Row(SETTLE, May(), May(), ("foreign",)),
)
NO: Final = "Not now, and not <so>."
NOTE: Final = "Typed & kept."
# What is filled in where the page does not say it already, by the verb; a note everywhere.
TYPED: Final[dict[str, dict[str, Any]]] = {
    "verify": {"method": ["document_seen"], "document": ["passport"]},
    "close": {"outcome": ["denied"]},
    "release": {"reason": ["deadline"]},
    "identities": {"identities-0-type": ["email"], "identities-0-value": [" B@example.org"]},
    "defer": {"until": [(timezone.localdate() + timedelta(days=3)).isoformat()]},
    "tags": {"names": ["vip, press"]},
    "reveal": {"reason": ["verify_person"]},
    "deny": {"reason": ["legal_obligation"]},
    "reopen": {"reason": ["closed_by_mistake"]},
    "attest": {"answer": ["no_data_held"]},
    "redact": {"reason": ["rights_of_others"]},
    "pause": {"reason": ["maintenance"]},
}


class Sent(HTMLParser):
    """What a browser would send of the verb's form as it stands on the page."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.texts: set[str] = set()
        self._inside = self._blank = False
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("class") == "verb"
        # Rows that a script adds are made of it; nothing in it is sent.
        self._blank = self._blank or tag == "template"
        name = given.get("name", "")
        if not self._inside or self._blank or name == "csrfmiddlewaretoken":
            return
        if tag == "input" and name and given.get("type") not in {"file", "submit"}:
            ticked = given.get("type") in {"radio", "checkbox"}
            if not ticked or "checked" in given:
                self.fields.setdefault(name, []).append(given.get("value", "on" if ticked else ""))
        elif tag == "textarea":
            self._area = name
            self.texts.add(name)
            self.fields[name] = [""]
        elif tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in self.fields or "selected" in given):
            self.fields[self._select] = [given.get("value", "")]

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"
        self._blank = self._blank and tag != "template"
        self._area = "" if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] = [self.fields[self._area][0] + data.removeprefix("\n")]


def on_page(html: str) -> Sent:
    sent = Sent()
    sent.feed(html)
    return sent


def module_of(row: Row) -> ModuleType:
    return next(module for begins, module in TABLES.items() if row.pattern.startswith(begins))


def verb_of(row: Row) -> Verb[Any]:
    name = next(part for part in (*row.parts, "resolve") if part in NAMES)
    verbs: tuple[Verb[Any], ...] = module_of(row).VERBS
    return next(verb for verb in verbs if verb.name == name)


NAMES: Final = {verb.name for module in TABLES.values() for verb in module.VERBS}


def registered() -> Iterator[Verb[Any]]:
    """Every verb that stands in a table of any module of the desk."""
    for found in pkgutil.walk_packages(cases.admin.__path__, "cases.admin."):
        for value in vars(importlib.import_module(found.name)).values():
            if isinstance(value, tuple):
                yield from (each for each in value if isinstance(each, Verb))


def test_every_verb_that_is_registered_is_tried() -> None:
    assert {id(verb) for verb in registered()} == {id(verb_of(row)) for row in ROWS}


@pytest.fixture(scope="module")
def desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    with django_db_blocker.unblock(), whole_desk() as made:
        shop = made.holds["processor"]
        kept = {"oauth_client_id": "id", "oauth_client_secret": "secret"}
        shop.credentials = {**shop.credentials, **kept}
        shop.options = {**shop.options, "oauth_account": "7"}
        shop.save()
        yield made


@pytest.fixture
def _undone(desk: Desk) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def browser_with(name: str, *, but: str = "", only: str = "") -> Client:
    """Somebody with every permission there is, with all but one, or with one alone."""
    person = builders.person(name)
    for permission in Permission.objects.select_related("content_type"):
        full = f"{permission.content_type.app_label}.{permission.codename}"
        if full == only or not (only or full == but):
            person.user_permissions.add(permission)
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.force_login(person)
    return client


def refuse(*_asked: Any) -> Any:
    raise Refused(Verbatim(NO))


@pytest.mark.usefixtures("_undone")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_service_that_refuses_is_told_once_and_keeps_what_was_typed(
    desk: Desk, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb, module, address = verb_of(row), module_of(row), desk.address(row)
    refusing = tuple(replace(each, call=refuse) for each in module.VERBS)
    monkeypatch.setattr(module, "VERBS", refusing)
    client = browser_with("dora")
    page = on_page(client.get(address).content.decode())
    # Nothing is chosen from a list that was not shown: it comes signed.
    shown = listed(desk) if verb.name == "connect" else {}
    typed = {**page.fields, **{name: [NOTE] for name in page.texts}, **TYPED.get(verb.name, {}), **shown}
    files = {"upload": SimpleUploadedFile("letter.txt", b"Dear Ada")} if verb.name == "attach" else {}
    before = done()

    answer = client.post(address, {**typed, **files})

    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.count(escape(NO)) == 1
    assert list(answer.context["form"].non_field_errors()) == [NO]
    assert on_page(html).fields == typed
    assert done() == before


def listed(desk: Desk) -> dict[str, list[str]]:
    shop: Processor = desk.holds["processor"]
    form = connect.ConnectForm(
        processor=shop, workspaces=[Workspace(shop.account, "Shop"), Workspace("78", "")]
    )
    return {"shown": [form.shown()], "workspace": ["78"]}


@pytest.mark.usefixtures("_undone")
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_has_its_permission_for_looking_and_for_doing(desk: Desk, row: Row) -> None:
    verb, address = verb_of(row), desk.address(row)
    before = done()
    clients = browser_with("dora", but=verb.permission), browser_with("emil", only=verb.permission)
    for client in clients:
        assert client.get(address).status_code == client.post(address).status_code == 403
    assert browser_with("fay").get(address).status_code == 200
    assert done() == before


def done() -> int:
    """Events, but for those that somebody logged in."""
    return AuditEvent.objects.exclude(action=Action.USER_LOGGED_IN).count()
