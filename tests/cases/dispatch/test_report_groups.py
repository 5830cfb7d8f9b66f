"""Slots in groups: full ones, explicit ones, and lanes that claim at once."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from cases.models import ProcessorRequest, RequestGroup
from cases.services.dispatch import dispatch, leases
from integrations.models import Processor
from integrations.mparticle.connector import MParticle
from tests.builders import approved_case
from tests.sandbox import Sandbox


@pytest.fixture
def groups_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MParticle, "group_size", 3)


def approve(count: int, **more: Any) -> None:
    for _ in range(count):
        approved_case(identities=[("email", f"{uuid4().hex}@example.org")], **more)


def sizes(processor: Processor) -> list[tuple[int, int]]:
    """Of each group in the order they were made: what it says of itself, and what is in it."""
    return [
        (group.size, group.requests.count())
        for group in RequestGroup.objects.filter(processor=processor).order_by("pk")
    ]


def test_a_slot_is_taken_at_the_first_claim_and_kept(target: Processor, sandbox: Sandbox) -> None:
    approve(1)
    request = ProcessorRequest.objects.get()
    assert request.group_id is None
    sandbox.faults([{"method": "POST", "fault": "reset_before"}])
    dispatch.drain(target.pk)
    request.refresh_from_db()
    taken = request.group
    ProcessorRequest.objects.update(next_attempt_at=None)
    dispatch.drain(target.pk)
    request.refresh_from_db()
    assert request.group == taken
    assert taken is not None
    assert sandbox.state(str(request.pk))["requests"][0]["group_id"] == taken.name
    assert sizes(target) == [(1, 1)]


def test_groups_are_filled_before_a_new_one_is_begun(target: Processor, groups_of_three: None) -> None:
    approve(4)
    dispatch.drain(target.pk)
    approve(3)
    dispatch.drain(target.pk)
    assert sizes(target) == [(3, 3), (3, 3), (1, 1)]


def test_lanes_that_claim_at_once_fill_one_group(target: Processor, groups_of_three: None) -> None:
    approve(8)
    at_the_line = threading.Barrier(4)

    def lane() -> None:
        at_the_line.wait()
        leases.claim(target)
        connection.close()

    lanes = [threading.Thread(target=lane) for _ in range(4)]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    assert sizes(target) == [(3, 3), (3, 3), (2, 2)]


def test_the_group_that_a_case_names_is_respected(target: Processor, sandbox: Sandbox) -> None:
    approve(2, group_name="batch-7")
    approve(1)
    dispatch.drain(target.pk)
    named = RequestGroup.objects.get(name="batch-7")
    assert (named.size, named.requests.count(), named.explicit) == (2, 2, True)
    assert RequestGroup.objects.get(explicit=False).size == 1
    assert sorted(row["group_id"] for row in sandbox.state()["requests"]).count("batch-7") == 2


def test_what_a_named_group_cannot_hold_goes_into_ours(target: Processor, groups_of_three: None) -> None:
    approve(5, group_name="batch-7")
    dispatch.drain(target.pk)
    assert sizes(target) == [(3, 3), (2, 2)]
