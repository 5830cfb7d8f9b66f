"""The trail at the desk: read by those who may, changed by nobody, verified with a button."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from cases.actor import SCHEDULE
from cases.models import Action, AuditEvent
from cases.services import audit
from cases.services.processors import accounts
from dsrportal.models import User
from tests import builders
from tests.cases.admin.desk_users import account, browser, said
from tests.cases.test_audit import FOREIGN

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_auditevent_changelist")


def detail(event: AuditEvent) -> str:
    return reverse("admin:cases_auditevent_change", args=[event.pk])


def verify(event: AuditEvent) -> str:
    return reverse("admin:cases_auditevent_verify", args=[event.pk])


def write() -> AuditEvent:
    return audit.record(Action.IDENTITY_SEARCHED, actor=SCHEDULE, details={"found": 3})


@pytest.mark.parametrize(
    ("name", "status"),
    [("otto", 200), ("adam", 200), ("agnes", 403), ("pia", 403), ("ivy", 403), ("charlie", 403)],
)
def test_who_may_read_it(name: str, status: int) -> None:
    event, client = write(), browser(name)
    assert client.get(LIST).status_code == status
    assert client.get(detail(event)).status_code == status
    assert client.post(verify(event)).status_code in ({302} if status == 200 else {403})


def test_nobody_adds_changes_or_deletes_not_even_a_superuser() -> None:
    event, client = write(), Client()
    client.force_login(User.objects.create_superuser("root"))
    before = AuditEvent.objects.count()
    assert client.post(reverse("admin:cases_auditevent_add"), {"chain": "portal"}).status_code == 403
    assert client.get(reverse("admin:cases_auditevent_add")).status_code == 403
    assert client.post(detail(event), {"reason": "other"}).status_code == 403
    assert (
        client.post(reverse("admin:cases_auditevent_delete", args=[event.pk]), {"post": "yes"}).status_code
        == 403
    )
    client.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
    assert AuditEvent.objects.count() == before
    assert AuditEvent.objects.get(pk=event.pk).reason == ""


def test_the_list_says_who_did_what_and_why() -> None:
    processor = builders.processor(name="Shop")
    accounts.pause(processor, actor=builders.actor(account("ivy")), reason="maintenance")
    case = builders.open_case()
    html = browser("otto").get(LIST).content.decode()
    for words in ("Paused Shop", "Maintenance on their side or ours", "ivy", "192.0.2.7", case.reference):
        assert words in html
    assert "Opened the case" in html


def test_it_is_narrowed_by_action_source_day_and_case() -> None:
    builders.processor()
    case = builders.open_case()
    write()
    client = browser("otto")

    def found(query: str) -> set[str]:
        return {event.action for event in client.get(f"{LIST}?{query}").context["cl"].result_list}

    assert found("action=identity.searched") == {Action.IDENTITY_SEARCHED}
    assert found("source=schedule") == {Action.IDENTITY_SEARCHED}
    assert Action.CASE_OPENED in found(f"case={case.reference.lower()}")
    assert Action.IDENTITY_SEARCHED not in found(f"case={case.reference}")
    assert found("action=no.such") == set()
    assert found("since=2020-01-01T00:00&until=2020-01-02T00:00") == set()


def test_the_detail_shows_canonical_form_and_hashes() -> None:
    event = AuditEvent.objects.get(pk=write().pk)
    html = browser("otto").get(detail(event)).content.decode()
    assert bytes(event.hash).hex() in html
    assert bytes(event.previous_hash).hex() in html
    assert "&quot;action&quot;:&quot;identity.searched&quot;" in html


def test_a_chain_that_holds_is_said_to() -> None:
    event = write()
    client = browser("otto")
    before = AuditEvent.objects.count()
    (sentence,) = said(client.post(verify(event), follow=True))
    assert sentence.startswith(
        "The chain “portal” is intact. All 2 events are unchanged, in order and complete."
    )
    assert AuditEvent.objects.count() == before
    assert client.get(verify(event)).status_code == 405


def test_where_a_chain_breaks_is_said(owner_connection: Any) -> None:
    first = write()
    for _ in range(8):
        write()
    owner_connection.execute("SET session_replication_role = replica")
    owner_connection.execute("UPDATE cases_auditevent SET reason = 'other' WHERE sequence < 8")
    *places, more = said(browser("otto").post(verify(first), follow=True))
    assert places[0] == ("The chain “portal” is broken at event 1: columns and canonical form differ.")
    assert (len(places), more) == (5, "And 2 more.")


@pytest.mark.parametrize(
    "address", ["/admin/cases/auditevent/9999/change/", "/admin/cases/auditevent/x/change/"]
)
def test_an_event_that_is_not_there(address: str) -> None:
    assert browser("otto").get(address).status_code == 302


def test_an_event_of_another_version_is_shown_as_it_is() -> None:
    client = browser("otto")
    connection.cursor().execute(FOREIGN, ["{}"])
    event = AuditEvent.objects.latest("id")
    for address in (LIST, reverse("admin:cases_auditevent_change", args=[event.pk])):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "made.up" in answer.content.decode()
