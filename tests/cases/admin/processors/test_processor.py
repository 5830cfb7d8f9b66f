"""Processors at the desk: what is typed is checked, what is stored is never sent back, verbs ask first."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Action, AuditEvent
from dsrportal.models import User
from integrations.models import Processor
from tests import builders
from tests.authority import Authority
from tests.cases.admin.desk_users import browser, refused, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:integrations_processor_changelist")
ADD = reverse("admin:integrations_processor_add") + "?kind=mparticle"
VERBS = ["test", "connect", "pause", "resume"]


def page(processor: Processor) -> str:
    return reverse("admin:integrations_processor_change", args=[processor.pk])


def verb(processor: Processor, name: str) -> str:
    return reverse("admin:integrations_processor_verb", args=[processor.pk, name])


def fields(**more: Any) -> dict[str, Any]:
    return {
        "name": "Shop",
        "account": "4302",
        "environment": "production",
        "credential_workspace_key": "",
        "credential_workspace_secret": "",
        "base_url": "https://localhost:9/v3",
        "processor_domain": "",
        "certificate_hosts": "localhost",
        "extra_tls_roots": "",
        "extra_signing_roots": "",
        "limits": "",
        "budget_share": "80",
        **more,
    }


def new(**more: Any) -> dict[str, Any]:
    return fields(credential_workspace_key="the-key", credential_workspace_secret="tops3cret", **more)


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.exclude(action=Action.USER_LOGGED_IN).order_by("id"))


def errors(answer: Any) -> list[str]:
    return [
        sentence for sentences in answer.context["adminform"].form.errors.values() for sentence in sentences
    ]


# --- who may


@pytest.mark.parametrize(
    ("name", "status"), [("ivy", 200), ("adam", 200), ("otto", 200), ("agnes", 403), ("charlie", 403)]
)
def test_who_may_look(name: str, status: int) -> None:
    processor = builders.processor()
    client = browser(name)
    assert client.get(LIST).status_code == status
    assert client.get(page(processor)).status_code == status


@pytest.mark.parametrize("name", ["otto", "agnes", "charlie"])
def test_who_may_not_add_change_or_do_anything(name: str) -> None:
    processor, client = builders.processor(), browser(name)
    posted = [(ADD, new(name="New", account="1")), (page(processor), fields(name="X"))]
    for address, data in [
        *posted,
        *((verb(processor, verb_name), {"reason": "by_hand"}) for verb_name in VERBS),
    ]:
        assert client.post(address, data).status_code == 403
        assert client.get(verb(processor, "pause")).status_code == 403
    assert Processor.objects.get().name == processor.name
    assert events() == []


def test_nothing_deletes_a_processor() -> None:
    processor, client = builders.processor(), browser("ivy")
    client.force_login(User.objects.create_superuser("root"))
    delete = reverse("admin:integrations_processor_delete", args=[processor.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(processor.pk)], "post": "yes"})
    assert Processor.objects.exists()


# --- the form


def test_a_processor_is_set_up_and_its_callback_address_shown(settings: Any) -> None:
    answer = browser("ivy").post(ADD, new(), follow=True)
    processor = Processor.objects.get()
    assert processor.credentials == {"workspace_key": "the-key", "workspace_secret": "tops3cret"}
    assert (processor.kind, processor.certificate_hosts) == ("mparticle", ["localhost"])
    html = answer.content.decode()
    assert settings.PORTAL_BASE_URL + processor.callback_path in html
    assert "Shop was added" in said(answer)[0]
    (event,) = events()
    assert (event.action, event.actor_label, event.address) == (Action.PROCESSOR_CREATED, "ivy", "192.0.2.7")
    assert {"name", "workspace_key", "workspace_secret"} <= set(event.details["fields"])
    assert "tops3cret" not in event.canonical


def test_stored_credentials_never_reach_the_browser() -> None:
    client = browser("ivy")
    client.post(ADD, new())
    processor = Processor.objects.get()
    pages = [client.get(page(processor)), client.get(LIST), client.post(page(processor), fields(name=""))]
    for answer in pages:
        assert answer.status_code == 200
        assert "tops3cret" not in answer.content.decode()
        assert "the-key" not in answer.content.decode()
    assert "Leave empty to keep the stored value." in pages[0].content.decode()


def test_what_was_typed_into_a_refused_form_is_not_sent_back_either() -> None:
    answer = browser("ivy").post(ADD, new(name=""))
    assert answer.status_code == 200
    assert "tops3cret" not in answer.content.decode()


def test_an_empty_credential_keeps_what_is_stored_and_a_typed_one_replaces_it() -> None:
    processor, client = builders.processor(name="Shop"), browser("ivy")
    client.post(page(processor), fields(name="Store"))
    client.post(page(processor), fields(name="Store", credential_workspace_secret="n3w"))
    stored = Processor.objects.get()
    assert stored.credentials == {"workspace_key": "key", "workspace_secret": "n3w"}
    assert [event.details["fields"] for event in events()] == [["name"], ["workspace_secret"]]
    assert "n3w" not in events()[1].canonical


def test_saving_without_a_change_is_no_event() -> None:
    processor = builders.processor(name="Shop")
    assert browser("ivy").post(page(processor), fields()).status_code == 302
    assert events() == []


def test_an_auditor_sees_neither_credentials_nor_the_callback_token() -> None:
    processor = builders.processor()
    html = browser("otto").get(page(processor)).content.decode()
    assert processor.callback_token not in html
    assert 'type="password"' not in html
    assert "credential_" not in html


ROOT = Authority("Test root").root_pem


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("base_url", "http://opendsr.mparticle.com/v3", "The address must begin with https://."),
        ("base_url", "https:///v3", "The address has no host."),
        (
            "base_url",
            "https://user:pw@localhost/v3",
            "The address may contain only a host and a path.",
        ),
        ("base_url", "https://localhost/v3?x=1", "The address may contain only a host and a path."),
        ("base_url", "https://localhost:99999/v3", "This is not a valid address."),
        (
            "processor_domain",
            "https://opendsr.mparticle.com",
            "“https://opendsr.mparticle.com” is not a valid domain name.",
        ),
        ("certificate_hosts", "ok.example\nnot a host", "“not a host” is not a valid host name."),
        (
            "certificate_hosts",
            "https://static.example",
            "“https://static.example” is not a valid host name.",
        ),
        (
            "extra_tls_roots",
            "hello",
            "Paste complete PEM certificates, from -----BEGIN to -----END CERTIFICATE-----.",
        ),
        (
            "extra_tls_roots",
            "-----BEGIN PRIVATE KEY-----\nx",
            "This contains a private key. Paste certificates only, and treat the key as compromised.",
        ),
        (
            "extra_signing_roots",
            ROOT[:-40],
            "Paste complete PEM certificates, from -----BEGIN to -----END CERTIFICATE-----.",
        ),
        (
            "extra_signing_roots",
            ROOT + "-----BEGIN CERTIFICATE-----\nx",
            "Paste complete PEM certificates, from -----BEGIN to -----END CERTIFICATE-----.",
        ),
        ("budget_share", "0", "Ensure this value is greater than or equal to 1."),
        ("budget_share", "101", "Ensure this value is less than or equal to 100."),
        ("limits", "many calls", "“many calls” is not a valid limit. Write it like “1000 calls in 60 s”."),
        ("account", "", "This field is required."),
    ],
)
def test_every_mistake_has_one_sentence(field: str, typed: str, sentence: str) -> None:
    answer = browser("ivy").post(ADD, new(**{field: typed}))
    assert answer.status_code == 200
    (told,) = errors(answer)
    assert told.startswith(sentence)
    assert not Processor.objects.exists()


def test_roots_are_taken_as_certificates() -> None:
    assert browser("ivy").post(ADD, new(extra_tls_roots=ROOT, extra_signing_roots=ROOT)).status_code == 302
    assert Processor.objects.get().extra_tls_roots == ROOT.strip() + "\n"


def test_an_account_is_set_up_once() -> None:
    builders.processor(name="First")
    answer = browser("ivy").post(ADD, new())
    assert errors(answer) == ["“First” already uses this account."]


def test_the_kind_cannot_be_changed() -> None:
    processor = builders.processor(name="Shop")
    browser("ivy").post(page(processor), fields(kind="leanplum"))
    assert Processor.objects.get().kind == "mparticle"


# --- verbs


def test_a_pause_asks_for_a_reason_and_resuming_for_none() -> None:
    processor, client = builders.processor(name="Shop"), browser("ivy")
    assert "Legal deadlines do not pause" in client.get(verb(processor, "pause")).content.decode()
    assert client.post(verb(processor, "pause"), {}).status_code == 200
    assert client.post(verb(processor, "pause"), {"reason": "made_up"}).status_code == 200
    assert Processor.objects.get().paused_at is None
    answer = client.post(verb(processor, "pause"), {"reason": "maintenance"}, follow=True)
    assert said(answer) == ["Shop is paused."]
    assert "Maintenance on their side or ours" in answer.content.decode()
    assert refused(client.post(verb(processor, "pause"), {"reason": "by_hand"})) == [
        "Shop is already paused."
    ]
    assert said(client.post(verb(processor, "resume"), follow=True)) == ["Sending to Shop has resumed."]
    assert refused(client.post(verb(processor, "resume"))) == ["Shop is not paused."]
    assert [event.action for event in events()] == [Action.PROCESSOR_PAUSED, Action.PROCESSOR_RESUMED]
    assert events()[0].reason == "maintenance"


@pytest.mark.parametrize("name", VERBS)
def test_looking_at_a_verb_does_nothing(name: str) -> None:
    processor = builders.processor()
    assert browser("ivy").get(verb(processor, name)).status_code == 200
    assert events() == []


def test_an_unknown_verb_is_not_found() -> None:
    assert browser("ivy").post(verb(builders.processor(), "explode")).status_code == 404


# --- the list


def test_the_list_says_what_runs_what_is_proven_and_what_is_in_flight() -> None:
    builders.processor(name="Shop", account_proven_at=timezone.now())
    builders.processor(name="Old shop", account="9", paused_at=timezone.now(), paused_reason="credentials")
    Processor.objects.create(kind="leanplum", name="App", account="app_1", environment="development")
    builders.approved_case()
    answer = browser("ivy").get(LIST)
    html = answer.content.decode()
    for words in (
        "Running",
        "Paused",
        "The credentials were refused",
        "Connection confirmed",
        "Not confirmed yet",
        "1 in progress",
    ):
        assert words in html
    assert "Access, portability, erasure, opt-out and correction" in html
    assert (html.count("Connection confirmed"), html.count("Not confirmed yet")) == (
        1,
        1,
    )  # the app confirms nothing
    flying = {row.name: row.flying for row in answer.context["cl"].result_list}
    assert (flying["Shop"], flying["Old shop"]) == (1, 1)


# --- what is shown to nobody


def test_an_address_cannot_guess_the_callback_token() -> None:
    processor, client = builders.processor(), browser("otto")
    start = processor.callback_token[:2]
    assert client.get(LIST, {"callback_token__startswith": start}).status_code in {302, 400}
    assert client.get(LIST, {"data_key__wrapped__isnull": "0"}).status_code in {302, 400}
    for known in ({"environment__exact": "production"}, {"kind__exact": "mparticle"}):
        assert client.get(LIST, known).status_code == 200
