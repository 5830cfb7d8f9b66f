"""Testing a connection: each credential with what it says and the field to look at; what is not set is no failure."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from cases.models import Action, AuditEvent
from dsrportal.models import User
from integrations.models import Processor
from tests import builders
from tests.cases.admin.desk_users import browser, said
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db


def verb(processor: Processor, name: str = "test") -> str:
    return reverse("admin:integrations_processor_verb", args=[processor.pk, name])


def rows(answer: Any) -> list[list[str]]:
    """The result's table, as text."""
    body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    found = re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in found]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def results() -> list[str]:
    tests = AuditEvent.objects.filter(action=Action.PROCESSOR_TESTED).order_by("id")
    return [event.details["result"] for event in tests]


def with_a_workspace_key_alone(sandbox: Sandbox) -> Processor:
    keys = sandbox.workspaces[0]
    credentials = {"workspace_key": keys["key"], "workspace_secret": keys["secret"]}
    return builders.processor(sandbox, name="Shop", credentials=credentials)


def test_each_credential_is_told_with_what_it_says(sandbox: Sandbox) -> None:
    answer = browser("ivy").post(verb(with_a_workspace_key_alone(sandbox)))
    assert answer.status_code == 200
    key, certificate, *others = rows(answer)
    assert key[:3] == ["Workspace key", "Works", "mParticle accepts the workspace key and secret."]
    assert certificate[:2] == ["Callback certificate", "Works"]
    assert {row[1] for row in others} == {"Not set"}
    assert "The connection works" in answer.content.decode()
    assert results() == ["works"]


def test_what_is_not_set_is_said_once_and_leads_to_its_field(sandbox: Sandbox) -> None:
    shop = with_a_workspace_key_alone(sandbox)
    answer = browser("ivy").post(verb(shop))
    unset = [row for row in rows(answer) if row[1] == "Not set"]
    assert len(unset) == 2
    assert [row[3] for row in unset] == ["Input key", "OAuth client ID"]
    page = reverse("admin:integrations_processor_change", args=[shop.pk])
    assert f'href="{page}#id_credential_input_key"' in answer.content.decode()
    assert 'id="id_credential_input_key"' in browser("ivy").get(page).content.decode()


def test_refused_credentials_lead_to_their_field(sandbox: Sandbox) -> None:
    shop = builders.processor(sandbox)
    shop.credentials["workspace_secret"] = "wr0ng-secret"
    shop.save()
    answer = browser("ivy").post(verb(shop))
    assert rows(answer)[0][1] == "Failed"
    assert rows(answer)[0][3] == "Workspace key"
    html = answer.content.decode()
    assert "Some checks failed" in html
    assert "wr0ng-secret" not in html
    assert results() == ["does not work"]


def test_who_may_test_and_not_change_is_led_to_no_field(sandbox: Sandbox) -> None:
    shop, client = builders.processor(sandbox), browser("otto")
    assert client.post(verb(shop)).status_code == 403
    User.objects.get(username="otto").user_permissions.add(Permission.objects.get(codename="test_processor"))
    answer = client.post(verb(shop))
    assert answer.status_code == 200
    assert "#id_credential" not in answer.content.decode()
    assert len(rows(answer)[0]) == 3


def test_a_good_test_ends_a_pause_for_credentials_and_says_so(sandbox: Sandbox) -> None:
    paused: dict[str, Any] = {"paused_at": timezone.now(), "paused_reason": "credentials"}
    shop = builders.processor(sandbox, name="Shop", **paused)
    assert said(browser("ivy").post(verb(shop))) == ["Sending to Shop has resumed."]
    assert Processor.objects.get().paused_at is None
    silent = builders.processor(name="Old", account="9", **paused)
    assert said(browser("ivy").post(verb(silent))) == ["Old is still paused."]


def test_a_test_that_nobody_answers_says_so() -> None:
    answer = browser("ivy").post(verb(builders.processor()))
    failed = [row for row in rows(answer) if row[1] == "Failed"]
    assert [row[0] for row in failed] == ["Workspace key", "Callback certificate"]
    assert answer.status_code == 200
    assert results() == ["does not work"]


def test_there_is_nothing_to_test_where_people_do_it() -> None:
    archive = Processor.objects.create(kind="manual", name="Archive", account="paper")
    client = browser("ivy")
    assert client.get(verb(archive)).status_code == 404
    assert client.post(verb(archive)).status_code == 404
    page = client.get(reverse("admin:integrations_processor_change", args=[archive.pk])).content.decode()
    assert "Test the connection" not in page
    assert verb(archive, "pause") in page
    assert results() == []
