"""Every kind has its own form, made from what it declares, and a page that speaks of what it has."""

from html import unescape

import pytest
from django.utils import timezone

from cases.models import ManualTask
from integrations import budget
from integrations.models import Processor
from integrations.registry import KINDS, connector_class
from tests import builders
from tests.cases.admin.desk_users import account, browser, said
from tests.cases.admin.processors.test_form import ADD, LIST, Fake, errors, events, form, made, page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _the_next_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "fake", ("Fake system", f"{Fake.__module__}.Fake"))


def sent(name: str, posted: dict[str, str]) -> tuple[str, dict[str, str]]:
    return f"{ADD}?kind={name}", posted


# --- choosing


def test_a_kind_is_chosen_from_what_there_is() -> None:
    html = unescape(browser("ivy").get(ADD).content.decode())
    for name, (label, _path) in KINDS.items():
        assert f'href="?kind={name}"' in html
        assert str(label) in html
    assert "Stands for the next vendor." in html
    assert "Access, portability, erasure, opt-out and correction" in html
    assert "tasks for manual work" in html.lower()


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
        assert offered[f"credential_{secret.name}"].label == str(secret.label)
    for option in found.options:
        assert offered[f"option_{option.name}"].label == str(option.label)
        assert offered[f"option_{option.name}"].initial == option.default


def test_the_account_is_called_what_the_kind_calls_it_and_what_the_vendor_has_stands_in_the_empty_field() -> (
    None
):
    html = browser("ivy").get(f"{ADD}?kind=fake").content.decode()
    assert "Tenant" in html
    assert "Its number there." in html
    assert 'placeholder="https://api.fake.example/v1"' in html
    assert html.count("Vendor default") == 2


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
    assert said(answer)[0].startswith("New one was added.")
    assert ("callback address" in said(answer)[0]) is (kind in {"mparticle", "opendsr"})
    assert "s3cret" not in answer.content.decode()
    (event,) = events()
    assert {*OPTIONS[kind], "name", "account"} <= set(event.details["fields"])
    assert set(event.details) == {"processor", "fields", "changes"}
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
        ("mparticle", "option_sso_url", "https://sso example/", "This is not a valid address."),
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
    assert ("Credentials are never sent back to the browser." in html) is (kind != "manual")
    for name, text in NEW[kind].items():
        if name != field and not name.startswith("credential_"):
            assert answer.context["adminform"].form[name].value() == text, name
    assert not Processor.objects.exists()


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
    assert ("Not confirmed yet" in client.get(page(made_here)).content.decode()) is proves
    assert ("Not confirmed yet" in client.get(LIST).content.decode()) is proves


def test_who_may_only_look_sees_what_was_chosen_in_words() -> None:
    processor = made(options={"user_id_type": "id", "region": "south", "notes": "first\nsecond"})
    html = browser("otto").get(page(processor)).content.decode()
    for words in ("Number", "South", "first<br>second", "Days it keeps things", "Tenant"):
        assert words in html
    assert "th3re-key" not in html
    assert "option_" not in html
    assert browser("otto").post(page(processor), form(name="X")).status_code == 403
