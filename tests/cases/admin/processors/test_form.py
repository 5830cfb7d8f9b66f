"""Changing a processor: what is kept, what goes, what is refused. On a kind made up here, with what the others lack."""

from typing import Any, ClassVar

import pytest
from django.urls import reverse

from cases.models import Action, AuditEvent
from cases.services.processors import accounts
from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations import budget
from integrations.connector import REQUESTS, Capability, Connector
from integrations.errors import IntegrationError
from integrations.models import Processor
from integrations.registry import KINDS
from integrations.types import Budget, Limit, Option, Secret, Workspace
from tests import builders
from tests.cases.admin.desk_users import account, browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:integrations_processor_changelist")
ADD = reverse("admin:integrations_processor_add")
_THERE = ("there_url", "token_url")


class Fake(Connector):
    """A kind of which no real one exists: options of every sort, and credentials that go to several addresses."""

    kind: ClassVar[str] = "fake"
    label: ClassVar[Sentence] = Sentence("Fake system")
    description: ClassVar[Sentence] = Sentence("Stands for the next vendor.")
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ERASURE, Capability.WORKSPACES})
    account_label: ClassVar[Sentence] = Sentence("Tenant")
    account_help: ClassVar[Sentence] = Sentence("Its number there.")
    default_base_url: ClassVar[str] = "https://api.fake.example/v1"
    connects_with: ClassVar[tuple[str, ...]] = ("there_key", "number")
    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("main_key", Sentence("Main key"), Sentence("From its settings.")),
        Secret("there_key", Sentence("There key"), required=False, sent_to=_THERE),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            "user_id_type",
            Sentence("User ID"),
            choices=(("email", Sentence("E-mail")), ("id", Sentence("Number"))),
            required=True,
        ),
        Option(
            "region",
            Sentence("Region"),
            choices=(("north", Sentence("North")), ("south", Sentence("South"))),
            default="north",
        ),
        Option("there_url", Sentence("There address"), is_address=True),
        Option("token_url", Sentence("Token address"), is_address=True),
        Option("number", Sentence("Number of the account")),
        Option("notes", Sentence("Notes"), multiline=True),
        Option("keep_days", Sentence("Days it keeps things"), default="30"),
        Option("assignee", Sentence("Assignee")),
    )
    # What listing its workspaces gives, or raises.
    found: ClassVar[list[Workspace] | IntegrationError] = []
    asked: ClassVar[int] = 0

    def budget(self, api: str = REQUESTS) -> Budget:
        return Budget(calls=Limit(100, 60))

    def list_workspaces(self) -> list[Workspace]:
        Fake.asked += 1
        if isinstance(Fake.found, IntegrationError):
            raise Fake.found
        return Fake.found


@pytest.fixture(autouse=True)
def _the_next_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "fake", ("Fake system", f"{__name__}.Fake"))


def made(**more: Any) -> Processor:
    fields: dict[str, Any] = {
        "kind": "fake",
        "name": "Shop",
        "account": "77",
        "credentials": {"main_key": "m41n-key", "there_key": "th3re-key"},
        "options": {"user_id_type": "email", "number": "9"},
    }
    processor = Processor.objects.create(**(fields | more))
    budget.rebuild(processor, [])
    return processor


def page(processor: Processor) -> str:
    return reverse("admin:integrations_processor_change", args=[processor.pk])


def form(**more: str) -> dict[str, str]:
    """What the form of the fake kind sends where nothing was touched."""
    return {
        "name": "Shop",
        "account": "77",
        "credential_main_key": "",
        "credential_there_key": "",
        "option_user_id_type": "email",
        "option_region": "north",
        "option_there_url": "",
        "option_token_url": "",
        "option_number": "9",
        "option_notes": "",
        "option_keep_days": "30",
        "option_assignee": "",
        "base_url": "",
        "extra_tls_roots": "",
        "limits": "",
        "budget_share": "80",
        **more,
    }


def errors(answer: Any) -> dict[str, list[str]]:
    return {name: list(sentences) for name, sentences in answer.context["adminform"].form.errors.items()}


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.exclude(action=Action.USER_LOGGED_IN).order_by("id"))


# --- changing


def test_what_is_stored_of_credentials_never_reaches_the_browser() -> None:
    processor, client = made(), browser("ivy")
    answers = [
        client.get(page(processor)),
        client.get(LIST),
        client.post(page(processor), form(name="")),
        client.post(page(processor), form(name="", credential_there_key="typ3d")),
    ]
    for answer in answers:
        html = answer.content.decode()
        assert answer.status_code == 200
        assert not any(value in html for value in ("m41n-key", "th3re-key", "typ3d"))
    assert "Stored. Leave empty to keep the stored value. From its settings." in answers[0].content.decode()
    assert "Credentials are never sent back to the browser." not in answers[2].content.decode()
    assert "Credentials are never sent back to the browser." in answers[3].content.decode()


@pytest.mark.parametrize("address", ["add", "change"])
def test_no_report_of_an_error_would_hold_what_was_typed(address: str) -> None:
    where = ADD + "?kind=fake" if address == "add" else page(made())
    answer: Any = browser("ivy").post(where, {"credential_main_key": "typed"})
    assert answer.wsgi_request.sensitive_post_parameters == "__ALL__"


def test_saving_without_a_change_is_no_event_and_stores_no_default() -> None:
    processor = made()
    assert browser("ivy").post(page(processor), form()).status_code == 302
    assert Processor.objects.get().options == {"user_id_type": "email", "number": "9"}
    assert events() == []


def test_changed_options_are_named_in_the_event_and_their_values_are_not() -> None:
    processor, client = made(), browser("ivy")
    client.post(page(processor), form(option_region="south", option_notes="Ask Ms Lovelace\r\nfirst"))
    client.post(page(processor), form(option_user_id_type="id", option_keep_days=""))
    stored = Processor.objects.get()
    assert stored.options == {"user_id_type": "id", "number": "9"}
    assert [event.details["fields"] for event in events()] == [
        ["notes", "region"],
        ["notes", "region", "user_id_type"],
    ]
    assert "Lovelace" not in "".join(event.canonical for event in events())


def test_an_optional_credential_is_removed_and_a_required_one_is_not() -> None:
    processor, client = made(), browser("ivy")
    html = client.get(page(processor)).content.decode()
    assert 'name="credential_there_key-remove"' in html
    assert 'name="credential_main_key-remove"' not in html
    posted = form(**{"credential_there_key-remove": "on", "credential_main_key-remove": "on"})
    assert client.post(page(processor), posted).status_code == 302
    assert Processor.objects.get().credentials == {"main_key": "m41n-key"}
    assert [event.details["fields"] for event in events()] == [["there_key"]]
    assert "-remove" not in client.get(page(processor)).content.decode()


def test_what_is_typed_and_removed_at_once_is_asked_about() -> None:
    processor = made()
    posted = form(**{"credential_there_key-remove": "on", "credential_there_key": "n3w"})
    answer = browser("ivy").post(page(processor), posted)
    assert errors(answer) == {
        "credential_there_key": ["Enter a new value or remove the stored one, not both."]
    }
    assert 'name="credential_there_key-remove" checked' in answer.content.decode()
    assert Processor.objects.get().credentials["there_key"] == "th3re-key"


def test_a_choice_that_is_one_no_longer_is_not_changed_in_silence() -> None:
    builders.person("gone", is_active=False)
    processor = made(options={"user_id_type": "email", "region": "east", "assignee": "gone"})
    html = browser("ivy").get(page(processor)).content.decode()
    assert '<option value="east" selected>east (no longer possible)</option>' in html
    assert '<option value="gone" selected>gone (no longer possible)</option>' in html
    answer = browser("ivy").post(page(processor), form(option_region="east", option_assignee="gone"))
    assert set(errors(answer)) == {"option_region", "option_assignee"}


def test_the_assignee_is_chosen_from_who_works_here_now() -> None:
    account("agnes")
    User.objects.create_user("robot", is_staff=False)
    builders.person("gone", is_active=False)
    html = browser("ivy").get(f"{ADD}?kind=manual").content.decode()
    assert '<option value="agnes">' in html
    assert '<option value="robot">' not in html
    assert '<option value="gone">' not in html


# --- credentials and the addresses they are sent to


MOVES = [
    ({"option_there_url": "https://evil.example/v1"}, "there_key", "“There address”"),
    ({"option_token_url": "https://evil.example"}, "there_key", "“Token address”"),
    ({"base_url": "https://evil.example/v1"}, "main_key", "The API address"),
    ({"base_url": "https://api.fake.example:8443/v1"}, "main_key", "The API address"),
]


@pytest.mark.parametrize(("typed", "name", "address"), MOVES)
def test_a_credential_is_not_sent_to_another_server(typed: dict[str, str], name: str, address: str) -> None:
    processor, client = made(), browser("ivy")
    answer = client.post(page(processor), form(**typed))
    assert errors(answer) == {
        f"credential_{name}": [f"{address} points to another server. Enter this credential again for it."]
    }
    assert answer.content.decode().count("Leave empty to keep the stored value.") == 1
    assert Processor.objects.get().options == {"user_id_type": "email", "number": "9"}
    assert events() == []
    assert client.post(page(processor), form(**typed, **{f"credential_{name}": "own"})).status_code == 302
    assert Processor.objects.get().credentials[name] == "own"


def test_an_optional_credential_may_go_instead() -> None:
    processor = made()
    posted = form(**{"option_there_url": "https://evil.example", "credential_there_key-remove": "on"})
    assert browser("ivy").post(page(processor), posted).status_code == 302
    assert Processor.objects.get().credentials == {"main_key": "m41n-key"}


def test_back_to_the_vendors_own_server_is_another_server_too() -> None:
    processor = made(options={"user_id_type": "email", "there_url": "https://proxy.example"})
    answer = browser("ivy").post(page(processor), form(option_number=""))
    assert list(errors(answer)) == ["credential_there_key"]


@pytest.mark.parametrize(
    "typed",
    [
        {"base_url": "https://api.fake.example/v2"},
        {"base_url": "https://API.fake.example:443/v1"},
        {"option_region": "south"},
        {"limits": "10 calls in 60 s"},
    ],
)
def test_the_same_server_keeps_them(typed: dict[str, str]) -> None:
    processor = made()
    assert browser("ivy").post(page(processor), form(**typed)).status_code == 302
    assert Processor.objects.get().credentials == {"main_key": "m41n-key", "there_key": "th3re-key"}


def test_nothing_stored_is_nothing_to_type_again() -> None:
    processor = made(credentials={"main_key": "m41n-key"})
    posted = form(option_there_url="https://proxy.example")
    assert browser("ivy").post(page(processor), posted).status_code == 302


def test_of_two_who_save_at_once_the_second_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one would send to a new address what the other typed for the old one."""
    processor, client = made(), browser("ivy")
    save = accounts.save

    def after_a_rival(*args: Any, **kwargs: Any) -> None:
        Processor.objects.update(base_url="https://evil.example", options={"user_id_type": "id"})
        save(*args, **kwargs)

    monkeypatch.setattr(accounts, "save", after_a_rival)
    answer = client.post(page(processor), form(credential_main_key="n3w"), follow=True)
    assert said(answer) == ["Shop was just changed by someone else. Review it, then make your change again."]
    assert Processor.objects.get().credentials["main_key"] == "m41n-key"
    assert events() == []
