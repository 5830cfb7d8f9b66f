"""Choosing a workspace from a list: asked for with what is stored, chosen from what was shown, told in one event."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from cases.models import Action, AuditEvent
from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations.errors import IntegrationError, RateLimited, Unauthorized, UnexpectedAnswer, Unreachable
from integrations.models import Processor
from integrations.registry import KINDS
from integrations.types import Workspace
from tests import builders
from tests.cases.admin.desk_users import browser, said
from tests.cases.admin.processors.test_form import Fake, made, page
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db

THREE = [Workspace("78", "Shop Berlin"), Workspace("77", "Old shop"), Workspace("79", "")]


@pytest.fixture(autouse=True)
def _the_next_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "fake", ("Fake system", f"{Fake.__module__}.Fake"))
    monkeypatch.setattr(Fake, "found", THREE)
    monkeypatch.setattr(Fake, "asked", 0)


def connect(processor: Processor) -> str:
    return reverse("admin:integrations_processor_verb", args=[processor.pk, "connect"])


def events() -> list[AuditEvent]:
    return list(AuditEvent.objects.exclude(action=Action.USER_LOGGED_IN).order_by("id"))


def shown(client: Any, processor: Processor) -> str:
    answer = client.post(connect(processor))
    assert answer.status_code == 200
    return str(answer.context["form"].shown())


def test_looking_asks_nobody_and_the_first_click_shows_what_is_there() -> None:
    processor, client = made(), browser("ivy")
    assert (
        "Lists the workspaces that the stored credentials give access to."
        in client.get(connect(processor)).content.decode()
    )
    assert Fake.asked == 0
    html = client.post(connect(processor)).content.decode()
    assert Fake.asked == 1
    assert html.index("Old shop") < html.index("Shop Berlin")
    assert 'value="77" checked' in html
    assert html.count("checked") == 1
    assert "Current" in html
    assert "th3re-key" not in html
    assert events() == []


def test_what_is_chosen_is_the_account_and_has_to_be_proven_anew() -> None:
    processor, client = made(account_proven_at=timezone.now()), browser("ivy")
    posted = {"shown": shown(client, processor), "workspace": "78"}
    answer = client.post(connect(processor), posted, follow=True)
    assert said(answer) == ["Shop is now “Shop Berlin”. The next response will confirm the connection."]
    stored = Processor.objects.get()
    assert (stored.account, stored.account_proven_at) == ("78", None)
    assert stored.credentials == processor.credentials
    (event,) = events()
    assert (event.action, event.details["fields"]) == (Action.PROCESSOR_CHANGED, ["account"])
    assert Fake.asked == 1


def test_choosing_the_present_one_changes_nothing() -> None:
    processor, client = made(account_proven_at=timezone.now()), browser("ivy")
    posted = {"shown": shown(client, processor), "workspace": "77"}
    assert "Nothing was changed." in said(client.post(connect(processor), posted, follow=True))[0]
    assert Processor.objects.get().account_proven_at is not None
    assert events() == []


def test_a_pause_for_another_workspaces_answer_stays() -> None:
    processor = made(paused_at=timezone.now(), paused_reason="account_mismatch")
    client = browser("ivy")
    client.post(connect(processor), {"shown": shown(client, processor), "workspace": "78"})
    assert Processor.objects.get().paused_reason == "account_mismatch"


@pytest.mark.parametrize("typed", ["", "80", "78 "])
def test_only_what_was_shown_is_chosen(typed: str) -> None:
    processor, client = made(), browser("ivy")
    answer = client.post(connect(processor), {"shown": shown(client, processor), "workspace": typed})
    assert "Choose one." in answer.content.decode()
    assert "Shop Berlin" in answer.content.decode()
    assert Processor.objects.get().account == "77"


@pytest.mark.parametrize("forge", [lambda text: text[:-2], lambda text: "", lambda text: "x:y:z"])
def test_a_list_that_was_not_shown_is_asked_for_again(forge: Any) -> None:
    processor, client = made(), browser("ivy")
    forged = {"shown": forge(shown(client, processor)), "workspace": "78"}
    assert "This list has expired." in client.post(connect(processor), forged).content.decode()
    assert Processor.objects.get().account == "77"


def test_a_list_of_another_processor_is_not_taken() -> None:
    processor, client = made(), browser("ivy")
    other = made(name="Other", account="5")
    posted = {"shown": shown(client, other), "workspace": "78"}
    assert "This list has expired." in client.post(connect(processor), posted).content.decode()
    assert set(Processor.objects.values_list("account", flat=True)) == {"77", "5"}


def test_a_workspace_that_is_another_processor_is_marked_and_refused() -> None:
    processor, client = made(), browser("ivy")
    text = shown(client, processor)
    made(name="Shop of Berlin", account="78")
    assert "already used by “Shop of Berlin”" in client.post(connect(processor)).content.decode()
    answer = client.post(connect(processor), {"shown": text, "workspace": "78"})
    assert 'value="78" checked' in answer.content.decode()
    assert "Another processor already has this name or this account." in answer.content.decode()
    assert Processor.objects.get(name="Shop").account == "77"
    assert events() == []


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized(Sentence("Fake refused the there key."), key_field="there_key", http_status=401),
        RateLimited(Sentence("Fake says not now."), retry_after_seconds=5),
        Unreachable(Sentence("Fake did not respond in time.")),
        UnexpectedAnswer(Sentence("Fake responded with status 500."), http_status=500),
    ],
)
def test_what_goes_wrong_is_one_sentence(monkeypatch: pytest.MonkeyPatch, error: IntegrationError) -> None:
    monkeypatch.setattr(Fake, "found", error)
    processor = made()
    answer = browser("ivy").post(connect(processor))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert str(error.sentence) in html
    assert ("#id_credential_there_key" in html) is isinstance(error, Unauthorized)
    assert events() == []


def test_none_to_choose_from_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fake, "found", [])
    assert "give access to none" in browser("ivy").post(connect(made())).content.decode()


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ({"credentials": {"main_key": "k"}}, "There key"),
        ({"options": {"user_id_type": "email"}}, "Number of the account"),
    ],
)
def test_what_is_missing_is_named_and_nobody_is_asked(more: dict[str, Any], missing: str) -> None:
    processor, client = made(**more), browser("ivy")
    for answer in (client.get(connect(processor)), client.post(connect(processor))):
        assert missing in answer.content.decode()
        assert "Request list" not in answer.content.decode()
    assert Fake.asked == 0
    html = client.get(page(processor)).content.decode()
    assert connect(processor) not in html
    assert f"store these first: {missing}." in html


def test_the_processors_page_leads_there() -> None:
    processor = made()
    assert connect(processor) in browser("ivy").get(page(processor)).content.decode()
    assert connect(processor) not in browser("otto").get(page(processor)).content.decode()


def test_a_kind_without_workspaces_has_no_such_page() -> None:
    app = Processor.objects.create(kind="leanplum", name="App", account="1")
    assert browser("ivy").get(connect(app)).status_code == 404
    assert browser("ivy").post(connect(app)).status_code == 404


@pytest.mark.parametrize(("name", "status"), [("ivy", 200), ("adam", 200), ("otto", 403), ("agnes", 403)])
def test_who_may_connect(name: str, status: int) -> None:
    processor, client = made(), browser(name)
    assert client.get(connect(processor)).status_code == status
    assert client.post(connect(processor)).status_code == status
    assert Fake.asked == (1 if status == 200 else 0)


def test_testing_is_no_permission_to_connect() -> None:
    processor, client = made(), browser("otto")
    User.objects.get(username="otto").user_permissions.add(Permission.objects.get(codename="test_processor"))
    assert client.post(connect(processor)).status_code == 403
    assert builders.actor("otto").user is not None
    assert Fake.asked == 0


# --- over real HTTP


def workspace(sandbox: Sandbox, **more: Any) -> Processor:
    keys, client = sandbox.workspaces[0], sandbox.oauth
    credentials = {
        "workspace_key": keys["key"],
        "workspace_secret": keys["secret"],
        "oauth_client_id": client["client_id"],
        "oauth_client_secret": client["client_secret"],
    }
    options = {**builders.addresses(sandbox), "oauth_account": client["account_id"]}
    fields: dict[str, Any] = {"account": "1", "credentials": credentials, "options": options}
    return builders.processor(sandbox, **(fields | more))


def test_a_workspace_of_the_account_is_chosen(sandbox: Sandbox) -> None:
    shop, client = workspace(sandbox, name="Shop"), browser("ivy")
    answer = client.post(connect(shop))
    assert {choice.id for choice in answer.context["form"].choices()} == {
        keys["id"] for keys in sandbox.workspaces
    }
    chosen = sandbox.workspaces[0]["id"]
    client.post(connect(shop), {"shown": answer.context["form"].shown(), "workspace": chosen})
    assert Processor.objects.get().account == chosen
    checks = client.post(connect(shop).replace("connect", "test"))
    assert "The connection works" in checks.content.decode()


def test_a_refused_client_leads_to_its_field(sandbox: Sandbox) -> None:
    shop, client = workspace(sandbox), browser("ivy")
    shop.credentials["oauth_client_secret"] = "wr0ng-secret"
    shop.save()
    html = client.post(connect(shop)).content.decode()
    assert "mParticle refused the credentials" in html
    assert "#id_credential_oauth_client" in html
    assert "wr0ng-secret" not in html
