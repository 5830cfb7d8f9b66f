"""A case opened from a list knows what stands before and after it there, however long the list is."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin.worklist.neighbours import Neighbours
from cases.models import Case
from cases.services.person import verification
from cases.services.planning import approval
from tests.builders import actor, open_case, processor
from tests.cases.admin.desk_users import address, browser

pytestmark = pytest.mark.django_db

LIST = reverse("admin:cases_case_changelist")


@pytest.fixture(autouse=True)
def _processor() -> None:
    processor()


def aged(days: float, **more: Any) -> Case:
    return open_case(**{"regulation": "ccpa", "received_at": timezone.now() - timedelta(days=days), **more})


def opened(client: Client, query: str, case: Case) -> Neighbours:
    """The case's page, as its row in the list leads there."""
    answer: Any = client.get(f"{LIST}{query}")
    return shown(client, answer.context["cl"].url_for_result(case))


def shown(client: Client, page: str) -> Neighbours:
    answer: Any = client.get(page)
    found: Neighbours = answer.context["neighbours"]
    return found


def walk(client: Client, query: str) -> list[str]:
    """From the first row by “next” to the last, and back again by “previous”."""
    answer: Any = client.get(f"{LIST}{query}")
    listed = list(answer.context["cl"].result_list)
    page = answer.context["cl"].url_for_result(listed[0])
    seen = []
    while page:
        at: Any = client.get(page)
        seen.append(at.context["case"].reference)
        last, page = page, at.context["neighbours"].next
    back = []
    while last:
        at = client.get(last)
        back.append(at.context["case"].reference)
        last = at.context["neighbours"].previous
    assert back == seen[::-1] == [case.reference for case in reversed(listed)]
    return seen


def test_next_and_previous_follow_the_list() -> None:
    first, second, third = aged(9), aged(5), aged(1)
    aged(7, type="access")
    client = browser("agnes")
    found = opened(client, "?type__exact=erasure", second)
    assert (found.place, found.total) == ("2", "3")
    assert found.list_address == f"{LIST}?type__exact=erasure"
    assert found.previous.startswith(address(first))
    assert found.next.startswith(address(third))
    assert opened(client, "?type__exact=erasure", first).previous == ""
    assert opened(client, "?type__exact=erasure", third).next == ""


@pytest.mark.parametrize(
    "query", ["", "?sort=-reference", "?sort=received", "?sort=-due", "?status=all", "?status=closed"]
)
def test_in_every_order_each_case_is_met_once(query: str) -> None:
    moment = timezone.now() - timedelta(days=3)
    cases = [aged(0, received_at=moment) for _alike in range(3)] + [aged(8), aged(1)]
    for case in (aged(4), aged(6), aged(2)):
        approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    closed_at = timezone.now() - timedelta(hours=1)
    Case.objects.filter(status="closed").exclude(pk=case.pk).update(closed_at=closed_at)
    expected = {"?status=all": 8, "?status=closed": 3}.get(query, len(cases))
    assert len(walk(browser("agnes"), query)) == expected


def test_the_address_names_no_filter_and_no_identity() -> None:
    ada = open_case(identities=[("email", "ada@example.org")])
    again = open_case(identities=[("email", "ada@example.org")])
    open_case(identities=[("email", "grace@example.org")])
    client = browser("agnes")
    location = client.post(reverse("admin:cases_case_search"), {"sought": "ada@example.org"}).headers[
        "Location"
    ]
    found = opened(client, location.removeprefix(LIST), ada)
    assert (found.place, found.total) == ("1", "2")
    assert found.next.startswith(f"{address(again)}?list=")
    assert "found" not in found.next
    # What one person searched another does not see, whatever the address says.
    assert shown(browser("pia"), found.next) is None


def test_a_case_that_left_the_list_still_leads_on() -> None:
    aged(9)
    case, after = aged(5), aged(1)
    client = browser("agnes")
    opened(client, "?status=intake", case)
    verification.record(case, actor=actor("agnes"), method="signed_in")
    found = shown(client, address(case))  # where the verb led back to, without a word of the list
    assert (found.place, found.total) == ("", "2")
    assert found.next.startswith(address(after))
    assert "No longer in the list (2 remaining)" in client.get(address(case)).content.decode()


def test_a_case_that_was_not_opened_from_a_list_has_no_neighbours() -> None:
    case, other = aged(5), aged(1)
    client = browser("agnes")
    opened(client, "", case)
    assert shown(client, address(other)) is None
    assert shown(client, f"{address(other)}?list=0123456789") is None


def test_only_so_many_lists_are_remembered() -> None:
    case = aged(5)
    client = browser("agnes")
    opened(client, "?tag=first", case)
    for number in range(20):
        client.get(f"{LIST}?tag=t{number}")
    assert len(client.session["case_lists"]) == 12
    assert shown(client, address(case)) is None


def test_it_costs_the_same_in_a_long_list() -> None:
    client = browser("agnes")
    case = aged(5)

    def queries() -> int:
        opened(client, "?status=intake", case)
        with CaptureQueriesContext(connection) as captured:
            client.get(address(case))
        return len(captured)

    few = queries()
    for days in range(1, 12):
        aged(days)
    assert queries() == few <= 12
