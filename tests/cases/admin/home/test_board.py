"""The board shows nobody more than the lists it links to, and each of its figures is what its list holds."""

from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.actor import SCHEDULE
from cases.models import AttentionKind, Case, ProcessorRequest
from cases.services import attention
from cases.services.planning import approval
from cases.services.worklist import assigning
from dsrportal.sentence import Sentence
from tests import builders
from tests.builders import actor, approved_case, manual, open_case, ready_case
from tests.cases.admin import stages
from tests.cases.admin.desk_users import account, browser

pytestmark = pytest.mark.django_db

BOARD = reverse("admin:index")


class Numbers(HTMLParser):
    """Every number that is a link, with where it leads: figures, and the cells of the tables."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._address = ""
        self._figure = self._strong = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._address, self._figure = named["href"], "figure" in named.get("class", "").split()
        self._strong = tag == "strong"

    def handle_endtag(self, tag: str) -> None:
        self._strong = False
        if tag == "a":
            self._address = ""

    def handle_data(self, data: str) -> None:
        if self._address and data.strip().isdecimal() and (self._strong or not self._figure):
            self.found.append((data.strip(), self._address))


def numbers(client: Client) -> list[tuple[str, str]]:
    parser = Numbers()
    parser.feed(client.get(BOARD).content.decode())
    # The navigation counts what waits for somebody, beside the lists' own names.
    return [(number, address) for number, address in parser.found if "?" in address]


def held_by(client: Client, address: str) -> int:
    answer: Any = client.get(address)
    assert answer.status_code == 200, address
    return int(answer.context["cl"].result_count)


def closed(days_ago: float, *, took: float, **more: Any) -> Case:
    """Denied so many days ago, after so many days."""
    case = open_case(regulation="ccpa", **more)
    approval.deny(case, actor=actor("pia"), reason="legal_obligation")
    end = timezone.now() - timedelta(days=days_ago)
    Case.objects.filter(pk=case.pk).update(closed_at=end, received_at=end - timedelta(days=took))
    case.clocks.update(due_at=end - timedelta(days=took) + timedelta(days=45))
    return case


@pytest.fixture
def desk() -> None:
    """Something of everything that the board counts."""
    shop = builders.processor(name="Shop")
    for days in (60, 45, 43, 41, 20, 1):
        received_at = timezone.now() - timedelta(days=days)
        case = open_case(regulation="ccpa", received_at=received_at)
        if days > 42:
            assigning.assign(case, actor=actor("agnes"), assignee=account("agnes"), seen=None)
    ready_case()
    ready_case(type="access", by="pia")
    ready_case(by="pia")
    Case.objects.filter(type="access").update(status_changed_at=timezone.now() - timedelta(days=9))
    stages.in_review()
    stages.with_item()
    sent = approved_case()
    ProcessorRequest.objects.filter(case=sent).update(
        status="in_progress", sent_at=timezone.now() - timedelta(days=2)
    )
    attention.open_item(AttentionKind.SILENT, Sentence("No word."), actor=SCHEDULE, processor=shop)
    manual(assignee="agnes")
    approved_case(identities=[("email", "by-hand@example.org")])
    for days_ago, took in ((1, 10), (2, 50), (10, 30), (40, 46), (70, 2)):
        closed(days_ago, took=took)
    closed(3, took=0.1, type="access")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", ["agnes", "pia", "otto", "ivy"])
def test_every_figure_is_what_the_list_behind_it_holds(name: str) -> None:
    client = browser(name)
    found = numbers(client)
    assert {address: int(number) for number, address in found} == {
        address: held_by(client, address) for _number, address in found
    }
    # Zeros agree easily: enough of them must be none.
    assert sum(number != "0" for number, _address in found) >= (2 if name == "ivy" else 20)


def titles(name: str) -> Iterator[tuple[str, str]]:
    for group in browser(name).get(BOARD).context["groups"]:
        for figure in group.figures:
            yield str(figure.label), figure.count


@pytest.mark.usefixtures("desk")
def test_each_role_sees_what_is_theirs_to_do() -> None:
    agent, approver, auditor = dict(titles("agnes")), dict(titles("pia")), dict(titles("otto"))
    assert (agent["My cases"], agent["My tasks"], agent["Overdue"], agent["Due in 1 day"]) == (
        "3",
        "1",
        "1",
        "1",
    )
    assert "Waiting for my approval" not in agent
    # Pia opened two of the three that are ready; of these an erasure needs a second person.
    assert (approver["Waiting for my approval"], approver["Ready for approval"]) == ("2", "3")
    assert not {"My cases", "My tasks", "Waiting for my approval"} & set(auditor)
    assert auditor["Overdue"] == "1"
    assert dict(titles("ivy")) == {"Attention": "1", "Processors not responding": "1"}
    assert dict(titles("charlie")) == {}


@pytest.mark.usefixtures("desk")
def test_the_chart_tells_of_twelve_weeks_and_how_long_each_type_took() -> None:
    trend = browser("otto").get(BOARD).context["trend"]
    assert len(trend.rows) == 12
    assert (sum(int(row.closed.number) for row in trend.rows), trend.closed, trend.share) == (6, "6", "66 %")
    assert [(row.label, row.closed.number, row.half) for row in trend.types] == [
        ("Access", "1", "2 hours"),
        ("Erasure", "5", "30 days"),
    ]
    assert sum(int(row.late.number) for row in trend.rows) == 2


def test_weeks_begin_on_monday_in_the_zone_of_who_looks() -> None:
    """Sunday evening in Honolulu is Monday in Auckland."""
    builders.processor()
    case = open_case()
    now = timezone.now()
    monday = now - timedelta(days=now.weekday(), hours=now.hour - 8, minutes=now.minute)
    Case.objects.filter(pk=case.pk).update(received_at=monday - timedelta(days=7))

    def week_of(zone: str) -> int:
        person = account("otto")
        person.time_zone = zone
        person.save()
        rows = browser("otto").get(BOARD).context["trend"].rows
        return [row.received.number for row in rows].index("1")

    assert week_of("Pacific/Honolulu") - week_of("Pacific/Auckland") == 1


def test_it_asks_the_database_equally_often_for_few_and_for_many() -> None:
    client = browser("adam")
    builders.processor()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(BOARD).status_code == 200
        return len(captured)

    ready_case()
    queries()  # how fast each queue moves, and how the weeks went, is asked once a minute
    few = queries()
    for number in range(12):
        ready_case(identities=[("email", f"p{number}@example.org")])
        closed(number, took=5)
    assert queries() == few <= 28  # and the two of the chart


@pytest.mark.parametrize(
    ("name", "cases", "processors"),
    [("agnes", True, True), ("otto", True, True), ("ivy", False, True), ("charlie", False, False)],
)
def test_attention_is_shown_as_far_as_its_list_shows_it(name: str, cases: bool, processors: bool) -> None:
    processor, case = builders.processor(), builders.open_case()
    attention.open_item(AttentionKind.CONFLICT, Sentence("About a case."), actor=SCHEDULE, case=case)
    attention.open_item(
        AttentionKind.CREDENTIALS, Sentence("About a key."), actor=SCHEDULE, processor=processor
    )
    html = browser(name).get(BOARD).content.decode()
    assert ("About a case." in html, case.reference in html, "About a key." in html) == (
        cases,
        cases,
        processors,
    )


@pytest.mark.parametrize("name", ["charlie", "adam"])
def test_no_address_looks_up_any_row_of_any_table(name: str) -> None:
    """Django's own did, for everyone who could log in, and failed with a 500 on a model without a table."""
    client = browser(name)
    for content_type in ContentType.objects.all():
        assert client.get(f"/admin/r/{content_type.pk}/1/").status_code == 404
