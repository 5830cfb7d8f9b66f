"""Every kind has its own form, made from what it declares; one made up here declares what the others do not."""

from html import unescape
from typing import Any, ClassVar

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Action, AuditEvent, ManualTask
from cases.services import processors
from dsrportal.models import User
from integrations import budget
from integrations.connector import REQUESTS, Capability, Connector
from integrations.errors import IntegrationError
from integrations.models import Processor
from integrations.registry import KINDS, connector_class
from integrations.types import Budget, Limit, Option, Secret, Workspace
from tests import builders
from tests.cases.admin.people import account, browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:integrations_processor_changelist")
ADD = reverse("admin:integrations_processor_add")
_THERE = ("there_url", "token_url")


class Fake(Connector):
    """A kind of which no real one exists: options of every sort, and credentials that go to several addresses."""

    kind: ClassVar[str] = "fake"
    label: ClassVar[str] = "Fake system"
    description: ClassVar[str] = "Stands for the next vendor."
    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ERASURE, Capability.WORKSPACES})
    account_label: ClassVar[str] = "Tenant"
    account_help: ClassVar[str] = "Its number there."
    default_base_url: ClassVar[str] = "https://api.fake.example/v1"
    connects_with: ClassVar[tuple[str, ...]] = ("there_key", "number")
    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("main_key", "Main key", "From its settings."),
        Secret("there_key", "There key", required=False, sent_to=_THERE),
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("user_id_type", "User ID", choices=(("email", "E-mail"), ("id", "Number")), required=True),
        Option("region", "Region", choices=(("north", "North"), ("south", "South")), default="north"),
        Option("there_url", "There address", is_address=True),
        Option("token_url", "Token address", is_address=True),
        Option("number", "Number of the account"),
        Option("notes", "Notes", multiline=True),
        Option("keep_days", "Days it keeps things", default="30"),
        Option("assignee", "Assignee"),
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


def sent(name: str, posted: dict[str, str]) -> tuple[str, dict[str, str]]:
    return f"{ADD}?kind={name}", posted


def errors(answer: Any) -> dict[str, list[str]]:
    return {name: list(sentences) for name, sentences in answer.context["adminform"].form.errors.items()}


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.exclude(action=Action.USER_LOGGED_IN).order_by("id"))


# --- choosing


def test_a_kind_is_chosen_from_what_there_is() -> None:
    html = unescape(browser("ivy").get(ADD).content.decode())
    for name, (label, _path) in KINDS.items():
        assert f'href="?kind={name}"' in html
        assert label in html
    assert "Stands for the next vendor." in html
    assert "Access, portability, erasure, opt-out and correction" in html
    assert "makes a task that a person does and attests" in html.lower()


@pytest.mark.parametrize("name", ["otto", "agnes", "charlie"])
def test_who_may_not_add_chooses_nothing(name: str) -> None:
    assert browser(name).get(ADD).status_code == 403
    assert browser(name).get(f"{ADD}?kind=manual").status_code == 403


def test_a_kind_that_nobody_knows_is_chosen_anew() -> None:
    assert b"?kind=mparticle" in browser("ivy").get(f"{ADD}?kind=made-up").content


SECTIONS = {
    "mparticle": ["Account", "Credentials", "Options", "API", "Callbacks"],
    "opendsr": ["Account", "Credentials", "Options", "API", "Callbacks"],
    "leanplum": ["Account", "Credentials", "Options", "API"],
    "manual": ["Account", "Options"],
    "fake": ["Account", "Credentials", "Options", "API"],
}


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_form_has_the_sections_its_kind_needs(kind: str) -> None:
    answer = browser("ivy").get(f"{ADD}?kind={kind}")
    assert [fieldset.name for fieldset in answer.context["adminform"]] == SECTIONS[kind]
    offered = set(answer.context["adminform"].form.fields)
    assert ("environment" in offered) is (kind == "mparticle")
    assert ("base_url" in offered) is (kind != "manual")
    assert ("processor_domain" in offered) is (kind in {"mparticle", "opendsr"})


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_form_asks_for_everything_its_kind_declares(kind: str) -> None:
    found = connector_class(kind)
    offered = browser("ivy").get(f"{ADD}?kind={kind}").context["adminform"].form.fields
    assert {f"credential_{secret.name}" for secret in found.secrets if secret.required} <= {
        name for name, field in offered.items() if field.required
    }
    for secret in found.secrets:
        assert offered[f"credential_{secret.name}"].label == secret.label
    for option in found.options:
        assert offered[f"option_{option.name}"].label == option.label
        assert offered[f"option_{option.name}"].initial == option.default


def test_the_account_is_called_what_the_kind_calls_it_and_what_the_vendor_has_stands_in_the_empty_field() -> (
    None
):
    html = browser("ivy").get(f"{ADD}?kind=fake").content.decode()
    assert "Tenant" in html
    assert "Its number there." in html
    assert 'placeholder="https://api.fake.example/v1"' in html
    assert html.count("The vendor&#x27;s own") == 2


# --- adding

NEW: dict[str, dict[str, str]] = {
    "mparticle": {
        "account": "4302",
        "environment": "development",
        "credential_workspace_key": "s3cret-one",
        "credential_workspace_secret": "s3cret-two",
        "credential_input_key": "s3cret-three",
        "option_pod": "eu1",
        "option_identity_auth": "basic",
        "option_events_url": "https://localhost:9/s2s/v2/",
        "option_gdpr_purposes": "Advertising\r\nAnalytics",
        "certificate_hosts": "localhost",
        "budget_share": "80",
    },
    "opendsr": {
        "account": "we",
        "credential_key": "s3cret-one",
        "credential_secret": "s3cret-two",
        "base_url": "https://opendsr.vendor.example/v3/",
        "processor_domain": "OpenDSR.vendor.example",
        "option_erasure_days": "45",
        "option_access_days": "30",
        "budget_share": "50",
    },
    "leanplum": {
        "account": "app_1",
        "credential_development_key": "s3cret-one",
        "credential_production_key": "s3cret-two",
        "credential_export_key": "s3cret-three",
        "option_user_id_type": "email",
        "option_erasure_policy": "delete",
        "option_attributes": "email = mail",
        "budget_share": "80",
    },
    "manual": {
        "account": "paper",
        "option_types": "erasure",
        "option_when": "always",
        "option_assignee": "agnes",
        "option_days_before": "7",
    },
}
OPTIONS: dict[str, dict[str, str]] = {
    "mparticle": {
        "pod": "eu1",
        "events_url": "https://localhost:9/s2s/v2",
        "gdpr_purposes": "Advertising\nAnalytics",
    },
    "opendsr": {"erasure_days": "45"},
    "leanplum": {"user_id_type": "email", "attributes": "email = mail"},
    "manual": {"types": "erasure", "assignee": "agnes", "days_before": "7"},
}


@pytest.mark.parametrize("kind", NEW)
def test_a_processor_of_each_kind_is_set_up(kind: str) -> None:
    account("agnes")
    answer = browser("ivy").post(*sent(kind, {"name": "New one", **NEW[kind]}), follow=True)
    processor = Processor.objects.get()
    typed = {name: text for name, text in NEW[kind].items() if name.startswith("credential_")}
    assert processor.credentials == {name.removeprefix("credential_"): text for name, text in typed.items()}
    # What is as the kind has it anyway is not stored, so that it follows its kind.
    assert processor.options == OPTIONS[kind]
    assert said(answer)[0].startswith("New one is set up.")
    assert ("callback address" in said(answer)[0]) is (kind in {"mparticle", "opendsr"})
    assert "s3cret" not in answer.content.decode()
    (event,) = events()
    assert {*OPTIONS[kind], "name", "account"} <= set(event.details["fields"])
    assert set(event.details) == {"processor", "fields"}
    assert "s3cret" not in event.canonical
    assert "Advertising" not in event.canonical


def test_addresses_and_domains_are_stored_as_they_are_compared() -> None:
    browser("ivy").post(*sent("opendsr", {"name": "New one", **NEW["opendsr"]}))
    processor = Processor.objects.get()
    assert processor.base_url == "https://opendsr.vendor.example/v3"
    assert processor.processor_domain == "opendsr.vendor.example"


@pytest.mark.parametrize(
    ("kind", "field", "typed", "sentence"),
    [
        ("opendsr", "base_url", "", "This field is required."),
        ("opendsr", "processor_domain", "", "This field is required."),
        ("opendsr", "option_erasure_days", "soon", "Enter a whole number."),
        ("opendsr", "option_erasure_days", "0", "Ensure this value is greater than or equal to 1."),
        ("opendsr", "option_access_days", "400", "Ensure this value is less than or equal to 365."),
        ("opendsr", "credential_secret", "", "This field is required."),
        ("leanplum", "option_user_id_type", "", "This field is required."),
        (
            "leanplum",
            "option_erasure_policy",
            "shred",
            "Select a valid choice. shred is not one of the available choices.",
        ),
        (
            "mparticle",
            "option_events_url",
            "http://s2s.mparticle.com/v2",
            "The address must begin with https://.",
        ),
        ("mparticle", "option_sso_url", "https://sso example/", "This is not an address."),
        (
            "mparticle",
            "option_pod",
            "mars",
            "Select a valid choice. mars is not one of the available choices.",
        ),
        ("manual", "option_assignee", "nobody-here", "“nobody-here” is not an active account."),
        ("manual", "option_assignee", "gone", "“gone” is not an active account."),
        ("manual", "option_days_before", "-1", "Ensure this value is greater than or equal to 0."),
        ("manual", "account", "", "This field is required."),
    ],
)
def test_a_mistake_is_one_sentence_and_the_rest_is_still_there(
    kind: str, field: str, typed: str, sentence: str
) -> None:
    account("agnes")
    builders.person("gone", is_active=False)
    answer = browser("ivy").post(*sent(kind, {"name": "Kept as typed", **NEW[kind], field: typed}))
    assert errors(answer) == {field: [sentence]}
    html = answer.content.decode()
    assert 'value="Kept as typed"' in html
    assert "s3cret" not in html
    assert ("type those anew" in html) is (kind != "manual")
    for name, text in NEW[kind].items():
        if name != field and not name.startswith("credential_"):
            assert answer.context["adminform"].form[name].value() == text, name
    assert not Processor.objects.exists()


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
    assert "Stored. Leave empty to keep it. From its settings." in answers[0].content.decode()
    assert "type those anew" not in answers[2].content.decode()
    assert "type those anew" in answers[3].content.decode()


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
    assert errors(answer) == {"credential_there_key": ["Type a new one or remove the stored one, not both."]}
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
        f"credential_{name}": [f"{address} names another server: type this again for it."]
    }
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


# --- the page and the list


def test_a_system_worked_by_hand_has_open_tasks_and_no_budget() -> None:
    archive = Processor.objects.create(
        kind="manual", name="Archive", account="paper", options={"types": "erasure"}
    )
    case = builders.approved_case()
    request = case.requests.get(processor=archive)
    ManualTask.objects.get_or_create(processor_request=request, defaults={"due_on": timezone.now().date()})
    client = browser("ivy")
    html = client.get(page(archive)).content.decode()
    assert "1 open task" in html
    assert "Budget" not in html
    assert "roven" not in html
    assert "Callback address" not in html
    listed = client.get(LIST).content.decode()
    assert "1 open task" in listed
    assert "Erasure only" in listed


@pytest.mark.parametrize(("kind", "proves"), [("mparticle", True), ("opendsr", True), ("leanplum", False)])
def test_a_workspace_is_unproven_only_where_answers_prove_it(kind: str, proves: bool) -> None:
    made_here = Processor.objects.create(
        kind=kind, name="Shop", account="1", base_url="https://localhost:9/v3", processor_domain="a.example"
    )
    budget.rebuild(made_here, [])
    client = browser("ivy")
    assert ("Not proven yet" in client.get(page(made_here)).content.decode()) is proves
    assert ("Not proven yet" in client.get(LIST).content.decode()) is proves


def test_who_may_only_look_sees_what_was_chosen_in_words() -> None:
    processor = made(options={"user_id_type": "id", "region": "south", "notes": "first\nsecond"})
    html = browser("otto").get(page(processor)).content.decode()
    for words in ("Number", "South", "first<br>second", "Days it keeps things", "Tenant"):
        assert words in html
    assert "th3re-key" not in html
    assert "option_" not in html
    assert browser("otto").post(page(processor), form(name="X")).status_code == 403


def test_of_two_who_save_at_once_the_second_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one would send to a new address what the other typed for the old one."""
    processor, client = made(), browser("ivy")
    save = processors.save

    def after_a_rival(*args: Any, **kwargs: Any) -> None:
        Processor.objects.update(base_url="https://evil.example", options={"user_id_type": "id"})
        save(*args, **kwargs)

    monkeypatch.setattr(processors, "save", after_a_rival)
    answer = client.post(page(processor), form(credential_main_key="n3w"), follow=True)
    assert said(answer) == [
        "Shop was changed by somebody else in this moment: look at it, then change it again."
    ]
    assert Processor.objects.get().credentials["main_key"] == "m41n-key"
    assert events() == []
