"""The list of cases: what is due first, narrowed in one row, and found without leaving an identity behind."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin import paging
from cases.admin.worklist import conditions
from cases.models import AuditEvent, Case
from cases.services.planning import approval, change_plan
from cases.services.worklist import assigning
from tests.builders import actor, open_case, processor, ready_case
from tests.cases.admin.desk_users import account, browser, said

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_case_changelist")
SEARCH = reverse("admin:cases_case_search")


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor()


def aged(days: float, **more: Any) -> Case:
    """Received so long ago, under the law whose 45 days no weekend moves."""
    asked: dict[str, Any] = {"regulation": "ccpa", "received_at": timezone.now() - timedelta(days=days)}
    return open_case(**asked | more)


def shown(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return [case.reference for case in answer.context["cl"].result_list]


def test_open_cases_come_in_order_of_their_due_date() -> None:
    young, old, middle = aged(1), aged(20), aged(9)
    approval.deny(aged(25), actor=actor("pia"), reason="legal_obligation")
    assert shown(browser("agnes")) == [old.reference, middle.reference, young.reference]


def test_closed_cases_stand_behind_the_open_ones() -> None:
    closed, young = aged(25), aged(1)
    approval.deny(closed, actor=actor("pia"), reason="legal_obligation")
    assert shown(browser("agnes"), "?status=all") == [young.reference, closed.reference]
    assert shown(browser("agnes"), "?status=closed") == [closed.reference]


def test_it_can_be_narrowed() -> None:
    late, soon, far = aged(50), aged(42, type="access"), aged(1, regulation="gdpr")
    client = browser("agnes")
    assert shown(client, "?due=overdue") == [late.reference]
    assert shown(client, "?due=7") == [soon.reference]
    assert shown(client, "?type__exact=access") == [soon.reference]
    assert shown(client, "?regulation__exact=gdpr") == [far.reference]
    assert shown(client, "?status=ready") == []


def test_a_filter_that_is_not_offered_is_refused() -> None:
    assert browser("agnes").get(f"{LIST}?opened_by__password__startswith=a").status_code == 400


def test_it_asks_the_database_equally_often_for_few_and_for_many() -> None:
    client = browser("agnes")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(LIST).status_code == 200
        return len(captured)

    ready_case()
    queries()  # how fast each queue moves is asked once a minute
    few = queries()
    for number in range(8):
        ready_case(identities=[("email", f"p{number}@example.org"), ("email", f"q{number}@example.org")])
    assert queries() == few <= 12


def chips(client: Client, query: str = "") -> list[str]:
    """What the chips above the list say."""
    page = client.get(f"{LIST}{query}").content.decode()
    found = re.findall(r'<a class="chip([^"]*)"[^>]*>(.*?) <strong>(.*?)</strong>', page)
    return [f"{words} {number}{' on' if 'set' in css else ''}" for css, words, number in found]


def test_what_is_stuck_or_at_risk_is_a_chip_with_its_number() -> None:
    moving, stuck, risky = aged(1), aged(2), aged(40)
    Case.objects.filter(pk=stuck.pk).update(status_changed_at=timezone.now() - timedelta(days=4))
    client = browser("agnes")
    assert chips(client) == ["No progress 1", "At risk 1", "No update 0", "Possible duplicates 0"]
    assert shown(client, "?stuck=1") == [stuck.reference]
    assert shown(client, "?risk=1") == [risky.reference]
    assert shown(client, "?stuck=1&risk=1") == []
    assert chips(client, "?risk=1") == [
        "No progress 1",
        "At risk 1 on",
        "No update 0",
        "Possible duplicates 0",
    ]
    assert moving.reference in shown(client)
    approval.deny(stuck, actor=actor("pia"), reason="legal_obligation")
    assert shown(client, "?stuck=1&status=all") == []


def test_chips_count_to_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "MOST_COUNTED", 1)
    aged(40)
    aged(41)
    assert chips(browser("agnes")) == [
        "No progress 0",
        "At risk 1+",
        "No update 0",
        "Possible duplicates 0",
    ]


def test_each_row_says_whose_turn_it_is_and_since_when() -> None:
    case = ready_case()
    Case.objects.filter(pk=case.pk).update(status_changed_at=timezone.now() - timedelta(days=9))
    page = browser("agnes").get(LIST).content.decode()
    since = f"{timezone.now() - timedelta(days=9):%d %b %Y}"
    assert f'title="Waiting for an approver since {since}."' in page
    assert f'<span class="since">since {since}</span>' in page


def test_counting_ends_at_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "CAP", 3)
    for _number in range(5):
        aged(1)
    assert "3+ cases" in browser("agnes").get(LIST).content.decode()


def test_due_dates_and_answers_are_told_in_words_too() -> None:
    ready_case(received_at=timezone.now() - timedelta(days=45))
    page = browser("agnes").get(LIST).content.decode()
    assert "days overdue" in page
    assert 'title="Sandbox 0: Planned"' in page


def test_what_was_dropped_from_a_plan_is_no_answer() -> None:
    case = ready_case()
    change_plan.change(case, actor=actor("agnes"), left_out={}, skip_waiting_period=True)
    client = browser("agnes")
    assert client.get(LIST).content.decode().count('class="mark ') == 1
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    assert 'title="No requests"' in client.get(f"{LIST}?status=closed").content.decode()


@pytest.mark.parametrize("typed", ["{}", " {} ", "lower"])
def test_a_reference_leads_straight_to_its_case(typed: str) -> None:
    case = open_case()
    sought = case.reference.lower() if typed == "lower" else typed.format(case.reference)
    answer = browser("agnes").post(SEARCH, {"sought": sought})
    assert answer.headers["Location"] == reverse("admin:cases_case_change", args=[case.pk])


def test_a_reference_that_does_not_exist_is_said_so() -> None:
    answer = browser("agnes").post(SEARCH, {"sought": "DSR-2020-000001"}, follow=True)
    assert said(answer) == ["Case DSR-2020-000001 does not exist."]


def test_an_identity_finds_its_cases_and_leaves_no_trace_of_itself() -> None:
    case = open_case(identities=[("email", "Ada.Lovelace@Example.org")])
    open_case(identities=[("email", "grace@example.org")])
    closed = open_case(identities=[("email", "ada.lovelace@example.org")])
    approval.deny(closed, actor=actor("pia"), reason="legal_obligation")
    client = browser("agnes")
    answer = client.post(SEARCH, {"sought": "ada.lovelace@EXAMPLE.org"}, follow=True)
    [(address, _status)] = answer.redirect_chain
    assert address.startswith(f"{LIST}?found=")
    assert "lovelace" not in (address + answer.content.decode()).lower()
    assert [found.reference for found in answer.context["cl"].result_list] == [
        case.reference,
        closed.reference,
    ]
    event = AuditEvent.objects.get(action="identity.searched")
    assert (event.actor_label, event.details["found"], len(event.details["subjects"])) == ("agnes", 2, 2)


def test_an_identity_that_nobody_has_finds_nothing() -> None:
    open_case()
    answer = browser("agnes").post(SEARCH, {"sought": "nobody@example.org"}, follow=True)
    assert list(answer.context["cl"].result_list) == []
    assert "Capitalisation and spaces are ignored." in answer.content.decode()


def test_a_result_is_its_finder_s_and_not_kept_for_ever() -> None:
    open_case(identities=[("email", "ada@example.org")])
    found = browser("agnes").post(SEARCH, {"sought": "ada@example.org"}).headers["Location"]
    answer = browser("pia").get(found)
    assert list(answer.context["cl"].result_list) == []
    assert "expired" in said(answer)[0]
    assert "Capitalisation and spaces are ignored." not in answer.content.decode()


def test_searching_for_nothing_is_told_so_and_by_address_is_impossible() -> None:
    assert said(browser("agnes").post(SEARCH, {"sought": " "}, follow=True)) == [
        "Enter the identifier to search for."
    ]
    assert browser("agnes").get(SEARCH).status_code == 405


@pytest.mark.parametrize("name", ["charlie", "ivy"])
def test_who_may_not_see_cases_sees_no_list_and_finds_nobody(name: str) -> None:
    open_case(identities=[("email", "ada@example.org")])
    client = browser(name)
    for query in ("", "?stuck=1", "?risk=1"):
        assert client.get(f"{LIST}{query}").status_code == 403
    assert client.post(SEARCH, {"sought": "ada@example.org"}).status_code == 403
    assert not AuditEvent.objects.filter(action="identity.searched").exists()
    assert "trend" not in client.get(reverse("admin:index")).context


@pytest.mark.parametrize("name", ["agnes", "adam"])
def test_nothing_can_be_deleted_or_done_in_bulk(name: str) -> None:
    case = open_case()
    client = browser(name)
    for rest in (f"{case.pk}/delete/", f"{case.pk}/history/", f"{case.pk}/"):
        assert client.get(f"{LIST}{rest}").status_code == 404
    client.post(LIST, {"action": "delete_selected", "_selected_action": [case.pk], "post": "yes"})
    assert Case.objects.filter(pk=case.pk).exists()


def test_it_is_narrowed_to_whose_work_it_is_when_and_by_tag() -> None:
    mine, nobodys, later = aged(3), aged(2), aged(1)
    agnes, who = account("agnes"), actor("agnes")
    assigning.assign(mine, actor=who, assignee=agnes, seen=None)
    assigning.tag(mine, actor=who, names=["vip"])
    assigning.defer(later, actor=who, until=timezone.localdate() + timedelta(days=4))
    client = browser("agnes")
    assert shown(client, "?assignee=me") == [mine.reference]
    assert shown(client, "?assignee=nobody") == [nobodys.reference, later.reference]
    assert shown(browser("pia"), f"?assignee={agnes.pk}") == [mine.reference]
    assert shown(client, "?follow_up=due") == [mine.reference, nobodys.reference]
    assert shown(client, "?follow_up=later") == [later.reference]
    assert shown(client, "?tag=vip") == [mine.reference]
    for nonsense in ("?assignee=x%27", "?tag=x", "?follow_up=x"):
        assert len(shown(client, nonsense)) in {0, 3}
