"""No page of the desk asks the database more than 24 times, what is open all day no more than 12.

Nor does a list ask more often for more rows. All is counted that a person pays for: the session, the account and its
rights, and what the frame of every page says. Each is a round trip; what is sent together counts as the one it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from cases.models import AttentionKind, Case
from cases.services import attention, notes, progress
from cases.services.dispatch import dispatch
from cases.services.worklist import saved_views
from dsrportal.models import User
from dsrportal.sentence import Sentence
from integrations.models import Processor
from tests import builders
from tests.cases.admin import stages
from tests.cases.admin.matrix import TABLE
from tests.cases.admin.operations.test_callbacks import deliver
from tests.cases.admin.whole_desk import Desk, approve_many, whole_desk
from tests.cases.files import ROW, checked
from tests.cases.intake_api import form

MOST: Final = 24
# What people have open all day: the board, the queue, a case.
MOST_OF_A_DAY: Final = 12
CASES: Final = "/admin/cases/case/"


@pytest.fixture(scope="module")
def desk(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    with django_db_blocker.unblock(), whole_desk() as made:
        yield made


@contextmanager
def at_the_desk(name: str) -> Iterator[Client]:
    """A person with a session as the portal keeps it; what they do is undone."""
    with override_settings(SESSION_ENGINE="dsrportal.sessions"), transaction.atomic():
        client = Client(REMOTE_ADDR="192.0.2.7")
        client.force_login(User.objects.get(username=name))
        yield client
        transaction.set_rollback(True)


@pytest.fixture
def adam(desk: Desk) -> Iterator[Client]:
    """Who may see everything."""
    with at_the_desk("adam") as client:
        yield client


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer: Any = client.get(address)
        if answer.streaming:
            b"".join(answer.streaming_content)
    assert answer.status_code == 200, address
    return len(captured)


def pages(desk: Desk) -> list[str]:
    """Every address that shows an administrator something."""
    return sorted({desk.address(row) for row in TABLE if row.get.expects("adam") == 200})


def narrowed(desk: Desk, client: Client, name: str = "adam") -> list[str]:
    """The queue as people ask for it: by many filters at once, by each chip, by a view they keep, by a search."""
    saved_views.save(actor=builders.actor(name), name="Mine", query="assignee=me", shared=False)
    found = client.post(f"{CASES}search/", {"sought": "Ada.Lovelace@Example.org"})
    assert "found=" in found["Location"]
    shop = desk.holds["processor"].pk
    return [
        f"{CASES}?status=ready&type__exact=erasure&processor={shop}&received_from=2020-01-01&sort=-received",
        *(f"{CASES}?{chip}=1" for chip in ("stuck", "risk", "silent", "duplicate", "approval", "closed")),
        f"{CASES}?due=7",
        f"{CASES}?assignee=me",
        found["Location"],
    ]


def opened_from_the_queue(client: Client, case: Case) -> str:
    """The address by which the queue leads to a case, which then knows its neighbours."""
    name = client.get(CASES).context["cl"].name
    address = f"{CASES}{case.pk}/change/?list={name}"
    assert client.get(address).context["neighbours"] is not None
    return address


def test_no_page_asks_more_than_twenty_four_times(desk: Desk, adam: Client) -> None:
    """A case also where it was opened from the queue, while somebody else has it open too."""
    held = desk.holds.values()
    of_cases = [opened_from_the_queue(adam, case) for case in held if isinstance(case, Case)]
    for case in [case for case in held if isinstance(case, Case)]:
        desk.clients["pia"].get(f"{CASES}{case.pk}/change/")
    addresses = [*pages(desk), *narrowed(desk, adam), *of_cases]
    assert len(addresses) > 100
    counted = {address: queries(adam, address) for address in addresses}
    assert {address: count for address, count in counted.items() if count > MOST} == {}


@pytest.mark.parametrize("name", ["agnes", "pia", "otto", "adam"])
def test_what_is_open_all_day_asks_at_most_twelve_times(desk: Desk, name: str) -> None:
    """The board, the queue however it is narrowed, and a case at every stage, opened from the queue, while somebody
    else has it open too: once it is known what everybody shares for some seconds."""
    cases = [case for case in desk.holds.values() if isinstance(case, Case)]
    with at_the_desk(name) as client:
        addresses = ["/admin/", CASES, *narrowed(desk, client, name)]
        for case in cases:
            addresses += [f"{CASES}{case.pk}/change/", opened_from_the_queue(client, case)]
            desk.clients["ivy" if name == "adam" else "adam"].get(f"{CASES}{case.pk}/change/")
        for address in addresses:
            client.get(address)
        counted = {address: queries(client, address) for address in addresses}
    assert {address: count for address, count in counted.items() if count > MOST_OF_A_DAY} == {}


LISTS: Final = tuple(
    f"/admin/{row.pattern}"
    for row in TABLE
    if row.pattern.count("/") == 2 and not row.parts and not row.address and row.get.expects("adam") == 200
)


def more_of_everything(number: int) -> None:
    """One row more in nearly every list."""
    processor = builders.processor(name=f"Other {number}", account=f"other {number}", kind="manual")
    shop = Processor.objects.get(name="Shop")
    attention.open_item(
        AttentionKind.FOREIGN_CALLBACK,
        Sentence("Not for us."),
        actor=builders.actor("ivy"),
        processor=processor,
    )
    deliver(f"{number}".encode(), processor=shop)
    form(f"Form {number}")
    Group.objects.create(name=f"shift {number}")
    builders.person(f"clerk {number}")
    saved_views.save(actor=builders.actor("pia"), name=f"View {number}", query="due=7", shared=True)
    case = builders.approved_case()
    dispatch.drain(processor.pk)
    notes.add(case, "@adam, is this the one?", actor=builders.actor("agnes"))
    stages.denied()
    with progress.locked(case.pk) as locked:
        attention.open_item(
            AttentionKind.GONE, Sentence("It is gone."), actor=builders.actor("agnes"), case=locked
        )
    approve_many()
    checked(ROW)


def test_no_list_asks_more_often_for_more_rows(desk: Desk, adam: Client) -> None:
    lists = ["/admin/", *LISTS]
    assert len(lists) > 15
    more_of_everything(0)
    for address in lists:
        adam.get(address)  # what a process looks up once
    few = {address: queries(adam, address) for address in lists}
    for number in range(1, 4):
        more_of_everything(number)
    more = {address: queries(adam, address) for address in lists}
    # What is reckoned once a minute for everybody may have fallen to one of them: looked at again, it is known.
    more |= {address: queries(adam, address) for address in lists if more[address] > few[address]}
    assert {address: count for address, count in more.items() if count > few[address]} == {}
