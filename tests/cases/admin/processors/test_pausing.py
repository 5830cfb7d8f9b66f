"""Pausing everything outgoing at the desk, and the banner that says on every page what is paused."""

import re
from html import unescape
from pathlib import Path

import pytest
import requests
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import Action, AuditEvent
from cases.services.processors import accounts, pausing
from integrations.models import Processor, SendingPause
from tests import builders
from tests.builders import actor
from tests.cases.admin.desk_users import account, browser, refused, said
from tests.desk import Desk
from tests.live import live_portal
from tests.sandbox import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

START = reverse("admin:index")
LIST = reverse("admin:integrations_processor_changelist")
PAUSE, RESUME = (reverse("admin:integrations_outgoing_verb", args=[name]) for name in ("pause", "resume"))
EVERYTHING = "All sending has been paused since"


def actions() -> list[str]:
    return list(
        AuditEvent.objects.filter(action__startswith="outgoing.")
        .order_by("id")
        .values_list("action", flat=True)
    )


def banners(html: str) -> list[str]:
    """The words of each banner on a page."""
    found = re.findall(r'<div class="banner.*?</strong>', html, flags=re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", each)).strip() for each in found]


def shown(name: str, path: str = START) -> list[str]:
    answer = browser(name).get(path)
    assert answer.status_code == 200
    return banners(answer.content.decode())


# --- who may


@pytest.mark.parametrize("path", [PAUSE, RESUME])
@pytest.mark.parametrize(
    ("name", "status"), [("ivy", 302), ("adam", 302), ("otto", 403), ("agnes", 403), ("charlie", 403)]
)
def test_who_may_pause_and_resume_everything(name: str, status: int, path: str) -> None:
    if path == RESUME:
        pausing.pause(actor=actor("ivy"), reason="maintenance")
    before = SendingPause.objects.get().paused_at
    client = browser(name)
    assert client.get(path).status_code == (200 if status == 302 else 403)
    assert client.post(path, {"reason": "by_hand"}).status_code == status
    assert (SendingPause.objects.get().paused_at != before) is (status == 302)


@pytest.mark.parametrize(("name", "offered"), [("ivy", True), ("adam", True), ("otto", False)])
def test_the_list_of_processors_offers_it_to_those_who_may(name: str, offered: bool) -> None:
    client = browser(name)
    assert (PAUSE in client.get(LIST).content.decode()) is offered
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    html = client.get(LIST).content.decode()
    assert (RESUME in html) is offered
    assert PAUSE not in html


def test_without_a_token_nothing_is_paused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(account("ivy"))
    assert client.post(PAUSE, {"reason": "by_hand"}).status_code == 403
    assert not pausing.is_paused()


# --- the verbs


def test_pausing_asks_for_a_reason_and_looking_does_nothing() -> None:
    client = browser("ivy")
    assert "Legal deadlines do not pause" in client.get(PAUSE).content.decode()
    for reason in ({}, {"reason": "made_up"}, {"reason": "credentials"}):
        assert client.post(PAUSE, reason).status_code == 200
    assert actions() == []
    assert said(client.post(PAUSE, {"reason": "maintenance"}, follow=True)) == ["All sending is paused."]
    assert refused(client.post(PAUSE, {"reason": "by_hand"})) == ["All sending is already paused."]
    assert client.get(RESUME).status_code == 200
    assert said(client.post(RESUME, follow=True)) == ["Sending has resumed."]
    assert refused(client.post(RESUME)) == ["Sending is not paused."]
    assert actions() == [Action.OUTGOING_PAUSED, Action.OUTGOING_RESUMED]


def test_an_unknown_verb_is_not_found() -> None:
    unknown = reverse("admin:integrations_outgoing_verb", args=["explode"])
    assert browser("ivy").post(unknown).status_code == 404


def test_the_trail_tells_the_reason_in_words() -> None:
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    html = browser("otto").get(reverse("admin:cases_auditevent_changelist")).content.decode()
    assert "Paused all sending" in html
    assert "Maintenance on their side or ours" in html


def test_a_processor_that_is_resumed_meanwhile_is_not_said_to_send() -> None:
    shop = builders.processor(name="Shop")
    accounts.pause(shop, actor=actor("ivy"), reason="maintenance")
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    resume = reverse("admin:integrations_processor_verb", args=[shop.pk, "resume"])
    assert said(browser("ivy").post(resume, follow=True)) == [
        "Sending to Shop continues when all sending is resumed."
    ]
    assert "Paused (all sending)" in browser("ivy").get(LIST).content.decode()


def test_a_connection_test_works_while_everything_is_paused(sandbox: Sandbox) -> None:
    shop = builders.processor(sandbox, name="Shop")
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    test = reverse("admin:integrations_processor_verb", args=[shop.pk, "test"])
    assert "mParticle accepts the workspace key" in browser("ivy").post(test).content.decode()


# --- the banner


def pages(client: Client) -> list[str]:
    """Every kind of page: lists, forms, pages of our own, confirmations."""
    shop, case = builders.processor(name="Shop"), builders.open_case()
    return [
        START,
        LIST,
        PAUSE,
        reverse("admin:integrations_processor_add"),
        reverse("admin:integrations_processor_change", args=[shop.pk]),
        reverse("admin:integrations_processor_verb", args=[shop.pk, "test"]),
        reverse("admin:cases_case_changelist"),
        reverse("admin:cases_case_add"),
        reverse("admin:cases_case_change", args=[case.pk]),
        reverse("admin:cases_attentionitem_changelist"),
        reverse("admin:cases_callbackdelivery_changelist"),
        reverse("admin:cases_auditevent_changelist"),
        reverse("admin:jobs"),
        reverse("admin:health"),
        reverse("admin:dsrportal_user_changelist"),
        reverse("admin:auth_group_changelist"),
        reverse("admin:password_change"),
    ]


def test_every_page_says_that_everything_is_paused() -> None:
    client = browser("adam")
    addresses = pages(client)
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        words, *_others = banners(answer.content.decode())
        assert words.startswith(EVERYTHING), address
        assert words.endswith("(maintenance on their side or ours)")
        assert RESUME in answer.content.decode(), address


def test_a_page_asks_once_for_it() -> None:
    client = browser("adam")
    for address in pages(client):
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        # Prepared questions go out together, as one string.
        statements = [sql for query in captured.captured_queries for sql in query["sql"].split(";\n")]
        asked = [sql for sql in statements if "ARRAY(SELECT" in sql and "integrations_sendingpause" in sql]
        assert len(asked) == 1, address


def test_whoever_is_not_logged_in_is_told_nothing_and_nothing_is_asked() -> None:
    pausing.pause(actor=actor("ivy"), reason="maintenance")
    with CaptureQueriesContext(connection) as captured:
        html = Client().get(reverse("admin:login")).content.decode()
    assert EVERYTHING not in html
    assert not [query for query in captured.captured_queries if "outgoing" in query["sql"]]


def test_nothing_paused_is_no_banner() -> None:
    builders.processor()
    assert shown("adam") == []


@pytest.mark.parametrize(
    ("name", "words", "link"),
    [
        ("ivy", "Shop has been paused since", True),
        ("agnes", "Shop has been paused since", False),
        ("charlie", "A processor", False),
    ],
)
def test_one_processor_is_named_to_those_who_may_see_it(name: str, words: str, link: bool) -> None:
    shop = builders.processor(name="Shop")
    accounts.pause(shop, actor=actor("ivy"), reason="credentials")
    html = browser(name).get(START).content.decode()
    (headline,) = banners(html)
    assert headline.startswith(words)
    assert (f'href="{reverse("admin:integrations_processor_change", args=[shop.pk])}"' in html) is link


def test_many_processors_are_one_line() -> None:
    for number in range(5):
        each = builders.processor(name=f"Shop {number}", account=str(number))
        accounts.pause(each, actor=actor("ivy"), reason="maintenance")
    assert shown("ivy") == ["5 processors are paused: Shop 0, Shop 1, Shop 2, Shop 3, Shop 4"]
    assert shown("charlie") == ["5 processors are paused"]


def test_since_when_is_told_in_the_zone_of_who_looks_and_with_the_day_where_it_is_not_today() -> None:
    user = account("ivy")
    user.time_zone = "Asia/Tokyo"
    user.save()
    pausing.pause(actor=actor(user), reason="maintenance")
    SendingPause.objects.update(
        paused_at=timezone.now().replace(year=2026, month=1, day=5, hour=20, minute=14)
    )
    assert shown("ivy") == [f"{EVERYTHING} 06 Jan 2026, 05:14 (maintenance on their side or ours)"]
    at = timezone.now()
    SendingPause.objects.update(paused_at=at)
    (words,) = shown("otto")
    assert words == f"{EVERYTHING} {at:%H:%M} (maintenance on their side or ours)"


def test_a_person_pauses_sees_it_everywhere_and_resumes(tmp_path: Path) -> None:
    for name in ("ivy", "agnes"):
        account(name)
    builders.processor(name="Shop")
    with live_portal(tmp_path / "logs") as portal:
        ivy, agnes = Desk(portal.url, "ivy"), Desk(portal.url, "agnes")
        assert EVERYTHING in ivy.post(PAUSE, reason="investigation").text
        assert EVERYTHING in agnes.get(START).text
        assert RESUME not in agnes.get(START).text
        assert agnes.get(RESUME).status_code == 403
        assert EVERYTHING not in requests.get(portal.url + "/admin/login/", timeout=30).text
        assert EVERYTHING not in ivy.post(RESUME).text
        assert EVERYTHING not in agnes.get(START).text
    assert Processor.objects.sending().count() == 1
